import type { Change } from "./change.ts";
import { onlyTakesAway } from "./check-change.ts";
import type { AwsAuthDocument } from "./document.ts";
import { entriesFor, entryOf } from "./entry-of.ts";
import { readPrincipal } from "./principal/arn.ts";
import type { Problem, Section } from "./problem.ts";

/** Problems that make a section unfit to be edited: the authenticator, or we, do not read it whole. */
const BLOCKING = new Set(["section-unreadable", "section-too-large", "section-not-a-list", "content-dropped"]);

/** The first problem for which a document can't be edited whole; null: there is none. */
export function firstBreak({ problems }: AwsAuthDocument): Problem | null {
  return problems.find((problem) => BLOCKING.has(problem.code)) ?? null;
}

/** What keeps a change from being planned where a section can't be read whole; null: nothing does. */
export function blocks(document: AwsAuthDocument, change: Change): Problem | null {
  const broken = document.problems.filter((problem) => BLOCKING.has(problem.code));
  return broken.find((problem) => problem.section === null || !isApart(document, change, problem.section)) ?? null;
}

/**
 * Access that ends in one section does not wait until another can be read: the sections are texts of their own, so the broken
 * one stays as it is, to the byte. Only where what is taken away is seen whole, and the broken section can't hold any of it.
 */
function isApart(document: AwsAuthDocument, change: Change, broken: Section): boolean {
  const entry = entryOf(document, change.arn);
  if (entry === null || (change.type === "map" && !onlyTakesAway(change, entry))) return false;
  if (broken === "mapAccounts") return true;
  const isTouched = entriesFor(document, change.arn).some(({ section }) => section === broken);
  return !isTouched && broken !== sectionOf(change.arn) && !mayName(document.data[broken] ?? "", change.arn);
}

/** Where we write an entry. */
function sectionOf(arn: string): Section {
  const reading = readPrincipal(arn);
  return reading.type === "principal" && reading.principal.kind === "user" ? "mapUsers" : "mapRoles";
}

/** A text that can't be read may still hold the entry, perhaps with a path. */
function mayName(text: string, arn: string): boolean {
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  return text.toLowerCase().includes(name.toLowerCase());
}
