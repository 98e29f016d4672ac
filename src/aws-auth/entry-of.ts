import { canonicalCaller } from "../principal/arn.ts";
import type { AwsAuthDocument, Entry } from "./document.ts";
import { lookUp } from "./lookup.ts";

/** The entry that the authenticator uses for a role or user, by its ARN; of several the last one, roles before users. */
export function entryOf(document: AwsAuthDocument, arn: string): Entry | null {
  return lookUp(document.lookup, canonicalCaller(arn) ?? arn);
}
