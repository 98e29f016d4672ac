import type { YamlFailure } from "./go-yaml/failure.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import type { Problem, Section } from "./problem.ts";

/** The authenticator can't read the section, and drops what it held in memory too. */
export function unreadable(section: Section, failure: YamlFailure): Problem {
  return {
    code: "section-unreadable",
    severity: "error",
    section,
    line: failure.line + 1,
    column: failure.column + 1,
    message: `${section} is not YAML that the authenticator can read (${failure.message}). Nobody in it can sign in.`,
    remedy: "Correct the YAML at this place; check the lines above it too.",
  };
}

export function notAList(section: Section, root: YamlNode): Problem {
  return {
    code: "section-not-a-list",
    severity: "error",
    section,
    line: root.start.line + 1,
    column: root.start.column + 1,
    message: `${section} is not a list. Nobody in it can sign in.`,
    remedy: `Write ${section} as a list: each entry begins with "- ".`,
  };
}

export function dropped(section: Section, mark: { line: number; column: number }): Problem {
  return {
    code: "content-dropped",
    severity: "error",
    section,
    line: mark.line + 1,
    column: mark.column + 1,
    message:
      "The authenticator reads only the first YAML document of a section. It drops all that stands from here on.",
    remedy: "Indent these lines like the entries above, and remove --- and ... lines.",
  };
}

/** A key of the data that is nearly the name of a section. */
export function misspelt(key: string, section: Section): Problem {
  return {
    code: "section-misspelt",
    severity: "error",
    section: null,
    line: null,
    column: null,
    message: `${JSON.stringify(key)} is not read: the authenticator knows only ${section}, spelled exactly so.`,
    remedy: `Rename the key to ${section}.`,
  };
}
