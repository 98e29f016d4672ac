import { FORBIDDEN } from "./characters.ts";
import { emptyScalar } from "./empty-scalar.ts";
import { failAt, placeIn, YamlFailure } from "./failure.ts";
import type { YamlDocument } from "./node.ts";
import { NodeParser } from "./node-parser.ts";
import { ReadingBudget } from "./reading-budget.ts";
import { Scanner } from "./scanner.ts";
import type { Mark, Token } from "./token.ts";

/**
 * Reads the first YAML document of a text as go-yaml v2 does. Throws a YamlFailure where go-yaml answers an error, and a
 * YamlExcess where there is more than the budget.
 */
export function parseYaml(text: string, budget = new ReadingBudget()): YamlDocument {
  refuseForbidden(text);
  const scanner = new Scanner(text);
  const parser = new NodeParser(scanner, budget);
  const first = scanner.peek();
  if (first.type === "stream-end") return { root: null, dropped: null };
  const isExplicit = first.type === "document-start" || first.type.endsWith("-directive");
  if (isExplicit) parser.openDocument();
  const root = isExplicit && endsDocument(scanner.peek().type) ? emptyScalar(scanner.peek().start) : parser.node(false);
  return { root, dropped: findDropped(scanner) };
}

function endsDocument(type: string): boolean {
  return type === "document-start" || type === "document-end" || type === "stream-end" || type.endsWith("-directive");
}

/**
 * Where something begins that is no part of the first document. go-yaml asks for one token behind the root and no more,
 * so an error in that one counts, and later ones don't. A `---` with nothing behind it loses nothing.
 */
function findDropped(scanner: Scanner): Mark | null {
  let last = scanner.peek();
  try {
    while (last.type === "document-end") last = next(scanner);
    const dropped = last.start;
    while (last.type === "document-start" || last.type === "document-end") last = next(scanner);
    return last.type === "stream-end" ? null : dropped;
  } catch (failure) {
    if (failure instanceof YamlFailure) return last.start;
    throw failure;
  }
}

function next(scanner: Scanner): Token {
  scanner.take();
  return scanner.peek();
}

function refuseForbidden(text: string): void {
  const at = text.search(FORBIDDEN);
  if (at >= 0) failAt("control characters are not allowed", placeIn(text, at));
}
