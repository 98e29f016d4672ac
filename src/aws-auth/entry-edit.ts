import type { Entry, ListReading } from "./document.ts";
import { addField, placeOf, replaceNode, useOf } from "./entry-place.ts";
import { editGroups } from "./groups-edit.ts";
import { quote } from "./quote.ts";
import { sameGroups } from "./same-groups.ts";
import type { TextEdit } from "./text-edit.ts";

/** What an entry is to say. */
export interface Wanted {
  readonly username: string;
  readonly groups: readonly string[];
}

/** The edits that make an entry say what is wanted; null where it is not written as a mapping of its own. `inFront`:
 * nothing new comes behind what stands at its end. */
export function editEntry(reading: ListReading, entry: Entry, wanted: Wanted, inFront: boolean): TextEdit[] | null {
  const place = placeOf(reading, entry, inFront);
  if (place === null) return null;
  const edits = sameGroups(entry.groups, wanted.groups) ? [] : editGroups(place, wanted.groups);
  if (entry.username === wanted.username) return edits;
  const use = useOf(place, "username");
  const username = quote(wanted.username);
  return [
    ...edits,
    use === null ? addField(place, "username", username) : replaceNode(place.text, use.written, username),
  ];
}
