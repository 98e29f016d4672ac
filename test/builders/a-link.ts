import { type PrincipalLink, sealLink } from "../../src/access/seals.ts";
import { keys } from "./keys.ts";
import { at } from "./times.ts";

/** A link with our seal: the person's own statement. */
export function aLink(user: string, arn: string): PrincipalLink {
  return { arn, seal: sealLink(user, arn, { by: user, at: at(0).toISOString() }, keys.decision) };
}
