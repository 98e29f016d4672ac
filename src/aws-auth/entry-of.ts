import { canonicalCaller } from "../principal/arn.ts";
import type { AwsAuthDocument, Entry } from "./document.ts";
import { goFold } from "./go-yaml/fold.ts";
import { lookUp } from "./lookup.ts";

/** The entry that the authenticator uses for a role or user, by its ARN; of several the last one, roles before users. */
export function entryOf(document: AwsAuthDocument, arn: string): Entry | null {
  return lookUp(document.lookup, canonicalCaller(arn) ?? arn);
}

/** All items of mapRoles and mapUsers with this ARN, in any case, those too that another one shadows. */
export function entriesFor({ entries }: AwsAuthDocument, arn: string): Entry[] {
  const key = goFold(arn);
  return entries.filter((entry) => entry.section !== "mapAccounts" && goFold(entry.arn) === key);
}
