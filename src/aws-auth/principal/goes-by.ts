import { readCaller } from "./caller.ts";

/**
 * Whether an ARN that somebody is linked with is this principal, one session of the role, or the role with its path. Letters count
 * whatever their case, as in a cluster.
 *
 * @param linked null: they are linked with nothing
 */
export function goesBy(linked: string | null, principal: string): boolean {
  if (linked === null) return false;
  return canonical(linked) === canonical(principal);
}

function canonical(arn: string): string {
  const reading = readCaller(arn, arn.split(":")[1]);
  return (reading.type === "caller" ? reading.caller.principal.arn : arn).toLowerCase();
}
