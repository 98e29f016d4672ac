import type { DecodedEntry } from "./decode-entry.ts";
import type { Entry } from "./document.ts";
import type { MapValue } from "./go-yaml/value.ts";
import type { Problem } from "./problem.ts";

/** What there is to tell about an item of mapRoles or mapUsers. */
export function itemProblems(_entry: Entry, _map: MapValue | null, _decoded: DecodedEntry | null): Problem[] {
  return [];
}
