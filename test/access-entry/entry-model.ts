import type { AccessEntry } from "../../src/access-entry/entry-tags.ts";
import type { EntryCall } from "../../src/access-entry/plan-entry.ts";

export const principalArn = "arn:aws:iam::111122223333:user/engineer";

let made = 0;

/** The entry after one call to EKS. */
export function afterCall(entry: AccessEntry | null, call: EntryCall): AccessEntry | null {
  if (call.type === "remove") return null;
  if (call.type === "create") {
    if (entry) throw new Error("ResourceInUseException");
    made += 1;
    return { ...call.entry, arn: `entry-${made}`, type: "STANDARD", policies: [] };
  }
  if (!entry) throw new Error("ResourceNotFoundException");
  const without = (name: string) => entry.policies.filter((policy) => policy.name !== name);
  switch (call.type) {
    case "tag":
      return { ...entry, tags: { ...entry.tags, ...call.tags } };
    case "untag":
      return {
        ...entry,
        tags: Object.fromEntries(Object.entries(entry.tags).filter(([key]) => !call.keys.includes(key))),
      };
    case "set-groups":
      return { ...entry, groups: call.groups };
    case "associate":
      return { ...entry, policies: [...without(call.policy.name), call.policy] };
    case "disassociate":
      return { ...entry, policies: without(call.name) };
  }
}

/** The entry after each of the calls, the first one before any. */
export function throughCalls(entry: AccessEntry | null, calls: readonly EntryCall[]): readonly (AccessEntry | null)[] {
  const states = [entry];
  for (const call of calls) states.push(afterCall(states.at(-1) ?? null, call));
  return states;
}
