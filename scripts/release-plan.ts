/** What a release is, from the commits since the last one: its version and its notes. No clock, no git, no files. */

export interface Commit {
  /** `feat`, `fix`, …; empty where a subject is no Conventional Commit. */
  readonly type: string;
  readonly scope: string;
  readonly subject: string;
  /** What breaks; empty if nothing does. */
  readonly breaking: string;
}

/** Reads a commit's message: its subject and its body. */
export function readCommit(message: string): Commit {
  const [first = "", ...rest] = message.trim().split("\n");
  const [, type = "", scope = "", mark = "", subject = first] = /^(\w+)(?:\(([^)]+)\))?(!)?: (.+)$/.exec(first) ?? [];
  const [, footer = ""] = rest.join("\n").split(/^BREAKING[ -]CHANGE: /m);
  const [paragraph = ""] = footer.split("\n\n");
  const breaking = paragraph.replaceAll(/\s+/g, " ").trim();
  return { type, scope, subject, breaking: breaking || (mark ? subject : "") };
}

/**
 * The next version after `last`, by Semantic Versioning; before 1.0.0 a minor version may break. Null: none of these commits
 * changes the product.
 */
export function nextVersion(last: string, commits: readonly Commit[]): string | null {
  const [major = 0, minor = 0, patch = 0] = last.split(".").map(Number);
  const has = (...types: readonly string[]) => commits.some(({ type }) => types.includes(type));
  if (commits.some(({ breaking }) => breaking)) return major > 0 ? `${major + 1}.0.0` : `0.${minor + 1}.0`;
  if (has("feat")) return `${major}.${minor + 1}.0`;
  return has("fix", "perf") ? `${major}.${minor}.${patch + 1}` : null;
}

/** The notes of a release from its commits, as Markdown. */
export function notesOf(commits: readonly Commit[]): string {
  const of = (type: string) => commits.filter((each) => each.type === type && !each.breaking);
  const broken = commits.filter(({ breaking }) => breaking);
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["Breaking", broken.map(({ scope, breaking }) => line(scope, breaking))],
    ["Added", of("feat").map(({ scope, subject }) => line(scope, subject))],
    ["Fixed", of("fix").map(({ scope, subject }) => line(scope, subject))],
    ["Faster", of("perf").map(({ scope, subject }) => line(scope, subject))],
  ];
  const filled = sections.filter(([, lines]) => lines.length > 0);
  return filled.map(([title, lines]) => `### ${title}\n\n${lines.join("\n")}`).join("\n\n");
}

const line = (scope: string, text: string) => `- ${scope ? `${scope}: ` : ""}${text}`;

export interface Release {
  readonly version: string;
  /** The day, as 2026-01-31. */
  readonly day: string;
  readonly notes: string;
}

/**
 * The changelog with the section of this release: what Unreleased has, then the notes from the commits. Unreleased is empty
 * afterwards. @throws Error without a section Unreleased, or with one of this version
 */
export function releasedChangelog(changelog: string, { version, day, notes }: Release): string {
  if (changelog.includes(`\n## [${version}]`)) throw new Error(`CHANGELOG.md has a section [${version}] already.`);
  const [head, rest] = changelog.split("\n## [Unreleased]\n");
  if (rest === undefined) throw new Error("CHANGELOG.md has no section [Unreleased].");
  const { section, older } = untilNextSection(rest);
  const body = [section, notes].filter((part) => part !== "").join("\n\n");
  const after = older === "" ? "" : `\n${older}`;
  return `${head}\n## [Unreleased]\n\n## [${version}] - ${day}\n\n${body}\n${after}`;
}

/** The notes of one version out of the changelog, without its heading. @throws Error if it has none */
export function sectionOf(changelog: string, version: string): string {
  const [, rest] = changelog.split(`\n## [${version}]`);
  if (rest === undefined) throw new Error(`CHANGELOG.md has no section [${version}].`);
  return untilNextSection(rest.slice(rest.indexOf("\n"))).section;
}

function untilNextSection(text: string): { readonly section: string; readonly older: string } {
  const next = text.search(/^## \[/m);
  return next < 0
    ? { section: text.trim(), older: "" }
    : { section: text.slice(0, next).trim(), older: text.slice(next) };
}
