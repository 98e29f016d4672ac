import { nearest } from "../access/request/nearest.ts";
import type { AwsAuthDocument, Caller, Entry, Problem, Section } from "../aws-auth/index.ts";
import { entryOf, readPrincipal, wildcardsFor } from "../aws-auth/index.ts";
import { type Cause, cause } from "./facts.ts";
import { named } from "./link.ts";

/** Why the document makes nobody of a caller: what was written for them and does not count, the surest first. */
export function unmappedCauses(document: AwsAuthDocument, caller: Caller): readonly Cause[] {
  return [
    ...brokenSections(document, caller),
    ...misspeltSections(document, caller),
    ...droppedContent(document, caller),
    ...neverMatching(document, caller),
    ...wildcards(document, caller),
    ...otherPaths(document, caller),
    ...shutOut(document, caller),
    ...otherAccounts(document, caller),
    ...nearMisses(document, caller),
  ];
}

function problemsOf({ problems }: AwsAuthDocument, ...codes: readonly string[]): readonly Problem[] {
  return problems.filter(({ code }) => codes.includes(code));
}

/** Whether a text names the caller, in whatever way it was meant to be read. */
function names(text: string | null | undefined, { principal }: Caller): boolean {
  return text?.toLowerCase().includes(`/${principal.name.toLowerCase()}`) ?? false;
}

function brokenSections(document: AwsAuthDocument, caller: Caller): Cause[] {
  const own: Section = caller.principal.kind === "role" ? "mapRoles" : "mapUsers";
  return problemsOf(document, "section-unreadable", "section-too-large", "section-not-a-list").flatMap((problem) => {
    const { section, line } = problem;
    if (!section) return [];
    const isNamed = names(document.data[section], caller);
    if (!isNamed && section !== own) return [];
    const where = isNamed
      ? `${caller.principal.arn} stands in it`
      : `if ${caller.principal.arn} stood in it, that is why`;
    return cause("section-broken", `${problem.message} Line ${line ?? 1} of ${section}; ${where}.`, problem.remedy);
  });
}

function misspeltSections(document: AwsAuthDocument, caller: Caller): Cause[] {
  return problemsOf(document, "section-misspelt")
    .filter(({ key }) => key !== undefined && names(document.data[key], caller))
    .map(({ message, remedy }) =>
      cause("section-misspelt", `${message} ${caller.principal.arn} stands there.`, remedy),
    );
}

function droppedContent(document: AwsAuthDocument, caller: Caller): Cause[] {
  return problemsOf(document, "content-dropped").flatMap(({ section, line, message, remedy }) => {
    const { text, droppedAt } = document.sections[section ?? "mapRoles"];
    if (droppedAt === null || !names(text?.slice(droppedAt), caller)) return [];
    return cause(
      "content-dropped",
      `${message} That is line ${line} of ${section}, and ${caller.principal.arn} stands behind it.`,
      remedy,
    );
  });
}

/** Entries that were meant for the caller and are written in a form that no caller ever has. */
function neverMatching({ entries }: AwsAuthDocument, { principal }: Caller): Cause[] {
  return entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn, principal.partition);
    if (reading.type === "principal" || reading.suggestion === undefined) return [];
    if (!isSame(reading.suggestion, principal.arn)) return [];
    const message = `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)} and matches nobody. ${reading.message}`;
    return cause("entry-never-matches", message, `Write ${named(reading.suggestion)} there.`);
  });
}

/** An entry that fits the caller by a wildcard, which most releases of the authenticator take for a letter. */
function wildcards(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  return wildcardsFor(document, principal.arn).map((entry) =>
    cause(
      "entry-never-matches",
      `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)}, which matches ${principal.arn} only where the authenticator is one of the newest releases.`,
      `Write ${named(principal.arn)} into an entry of its own, and take the wildcard out.`,
    ),
  );
}

/** A role's path is never seen, a user's path always counts. */
function otherPaths(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  if (principal.kind !== "user") return [];
  return namesakes(document, principal.name)
    .filter(({ of }) => of.kind === "user" && of.account === principal.account && !isSame(of.arn, principal.arn))
    .map(({ entry }) =>
      cause(
        "user-path",
        `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)}, whose path is another one. The path of an IAM user counts.`,
        `Write ${named(principal.arn)} there, or ask for it with the path that ${named("aws sts get-caller-identity")} shows.`,
      ),
    );
}

function otherAccounts(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  return namesakes(document, principal.name)
    .filter(({ of }) => of.kind === principal.kind && of.account !== principal.account)
    .map(({ entry, of }) =>
      cause(
        "wrong-account",
        `The entry ${whereEntryIs(entry)} is for ${named(entry.arn)} of account ${named(of.account)}; ${principal.arn} is of account ${named(principal.account)}.`,
        `See with ${named("aws sts get-caller-identity")} which account you are signed in to, and use the profile of the other one.`,
      ),
    );
}

function nearMisses(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  const candidates = document.entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn, principal.partition);
    if (reading.type === "invalid") return [];
    const { account, kind, name } = reading.principal;
    return account === principal.account && kind === principal.kind && !isSame(name, principal.name)
      ? [{ entry, name }]
      : [];
  });
  const close = nearest(
    principal.name,
    candidates.map(({ name }) => name),
  );
  const [match] = candidates.filter(({ name }) => name === close);
  if (!match) return [];
  const message = `Nobody stands there as ${principal.arn}, but the entry ${whereEntryIs(match.entry)} is for ${named(match.entry.arn)}.`;
  return [cause("near-miss", message, "If that is meant, one of the two names is mistyped: correct it.")];
}

/** An entry that is found, and refuses the caller by its template. */
function shutOut(document: AwsAuthDocument, { principal }: Caller): Cause[] {
  const entry = entryOf(document, principal.arn);
  if (!entry) return [];
  const message = `The entry ${whereEntryIs(entry)} is for ${principal.arn}, but ${named("{{EC2PrivateDNSName}}")} in it lets only EC2 instances in.`;
  return [cause("template-shuts-out", message, "It is how nodes sign in: people need a role of their own.")];
}

/** Entries of the same last name, in the form that a caller has. */
function namesakes({ entries }: AwsAuthDocument, name: string) {
  return entries.flatMap((entry) => {
    const reading = readPrincipal(entry.arn);
    return reading.type === "principal" && isSame(reading.principal.name, name)
      ? [{ entry, of: reading.principal }]
      : [];
  });
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** To be read behind the words `The entry`. */
export function whereEntryIs({ section, line }: Entry): string {
  return `in ${section}, line ${line},`;
}
