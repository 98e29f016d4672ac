import type { SectionReading } from "./document.ts";
import { placeIn, type YamlFailure } from "./go-yaml/failure.ts";
import type { Mark } from "./go-yaml/token.ts";
import { layoutDifferences } from "./layout-1-2.ts";
import { type Problem, problemAt, type Section } from "./problem.ts";

/** The authenticator can't read the section, and forgets what it held before. */
export function unreadable(section: Section, failure: YamlFailure): Problem {
  const message = `${section} is not YAML that the authenticator can read: ${failure.message}. Nobody in it can sign in.`;
  const remedy = "Correct the YAML at this place; look at the lines above it too.";
  return problemAt(section, failure, "section-unreadable", "error", message, remedy);
}

/** The authenticator may read the section; this reader stops, so that one document can't exhaust the process. */
export function excessive(section: Section, failure: YamlFailure): Problem {
  const message = `${section} ${failure.message} here, and eks-access reads no further. The authenticator may read it, and let people in by it.`;
  const remedy = "Remove what is no entry at this place.";
  return problemAt(section, failure, "section-too-large", "error", message, remedy);
}

export function notAList(section: Section, at: Mark): Problem {
  const message = `${section} is not a list. Nobody in it can sign in.`;
  const remedy = `Write ${section} as a list: each entry begins with "- ".`;
  return problemAt(section, at, "section-not-a-list", "error", message, remedy);
}

export function dropped(section: Section, at: Mark): Problem {
  const message =
    "The authenticator reads only the first YAML document of a section, and drops all that stands from here on.";
  const remedy = "Indent these lines like the entries above, and remove --- and ... lines.";
  return problemAt(section, at, "content-dropped", "error", message, remedy);
}

/** A key of the data that is nearly the name of a section. */
export function misspelt(key: string, section: Section): Problem {
  return {
    code: "section-misspelt",
    severity: "error",
    section: null,
    key,
    line: null,
    column: null,
    message: `${JSON.stringify(key)} is not read: the authenticator knows only ${section}, spelled exactly so.`,
    remedy: `Rename the key to ${section}.`,
  };
}

/** What breaks a line in YAML 1.1 alone. */
const OLD_BREAK = /[\u0085\u2028\u2029]/;

/** Tells of the first line break that only the authenticator takes for one. */
export function oldBreaks({ section, text, state }: SectionReading): Problem[] {
  const at = state === "list" && text !== null ? text.search(OLD_BREAK) : -1;
  if (text === null || at < 0) return [];
  const message =
    "A separator that nobody sees breaks the line here for the authenticator, but not for tools that read YAML 1.2.";
  return [
    problemAt(
      section,
      placeIn(text, at),
      "readers-differ",
      "notice",
      message,
      "Replace it with a plain line break, or remove it.",
    ),
  ];
}

/** Tells of the first line that stands too far out for YAML 1.2, and of every tag that ends elsewhere in it. */
export function layoutProblems({ section, text, list }: SectionReading): Problem[] {
  if (text === null || list === null) return [];
  const { shallow, tagged } = layoutDifferences(text, list);
  const problems = tagged.map((at) => oldTag(section, at));
  return shallow === null ? problems : [tooFarOut(section, placeIn(text, shallow)), ...problems];
}

function tooFarOut(section: Section, at: { line: number; column: number }): Problem {
  const message =
    "This line goes on with brackets or quotes, and stands no further in than what they belong to. The authenticator reads it; tools that read YAML 1.2 refuse the section.";
  return problemAt(section, at, "readers-differ", "notice", message, "Indent the line further.");
}

function oldTag(section: Section, at: Mark): Problem {
  const message =
    "The tag of this value holds a comma or a bracket to the authenticator, but ends before it to tools that read YAML 1.2: they see other values, or refuse the section.";
  const remedy = "Remove the tag; write a text behind it in quotes.";
  return problemAt(section, at, "readers-differ", "notice", message, remedy);
}
