import type { Entry, ReadDocument } from "./document.ts";
import { goFold } from "./go-yaml/fold.ts";
import { lookUp } from "./lookup.ts";
import { canonicalCaller } from "./principal/arn.ts";

/** The entry that the authenticator uses for a role or user, by its ARN; of several the last one, roles before users. */
export function entryOf(document: ReadDocument, arn: string): Entry | null {
  return lookUp(document.lookup, canonicalCaller(arn) ?? arn);
}

/** All items of mapRoles and mapUsers with this ARN, in any case, those too that another one shadows. */
export function entriesFor({ lookup }: ReadDocument, arn: string): readonly Entry[] {
  return lookup.items.get(goFold(arn)) ?? [];
}
