const mostTags = 50;

/** What is wrong with the tags that a resource would have (EKS User Guide, "Tag restrictions"); undefined: nothing. */
export function tagsProblem(tags: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(tags);
  if (entries.length > mostTags) return `The number of tags must not exceed ${mostTags}`;
  for (const [key, value] of entries) {
    const problem = tagProblem(key, value);
    if (problem) return problem;
  }
  return undefined;
}

function tagProblem(key: string, value: string): string | undefined {
  if (key === "" || key.length > 128) return "The length of a tag key must be between 1 and 128";
  if (value.length > 256) return `The length of the value of the tag ${key} must not exceed 256`;
  if (/^aws:/i.test(key) || /^aws:/i.test(value)) return "Tag keys and values must not begin with aws:";
  const unusual = [key, value].some((text) => !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text));
  return unusual ? `The tag ${key} has characters that are not allowed` : undefined;
}
