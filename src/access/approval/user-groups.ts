import { z } from "zod";
import type { Json } from "../audit/event.ts";
import { type Immutable, textForm, textsForm } from "../lease/proof-record.ts";
import { isDatedAhead } from "./decision.ts";
import type { DecisionKeys } from "./seal.ts";

/** The people of every user group, as Slack named them to one Slack process. The others trust its seal. */
export type SharedGroups = Immutable<z.output<typeof sharedGroupsForm>>;
const sharedGroupsForm = z.strictObject({
  /** `T…`, if the app is installed for an organization; empty: the bot's own workspace. */
  workspace: textForm,
  /** When Slack was asked, ISO 8601. */
  at: textForm,
  /** Slack user ids by the group's id (`S…`). */
  groups: z.record(z.string(), textsForm),
  seal: textForm,
});

export function sealGroups(groups: Omit<SharedGroups, "seal">, keys: DecisionKeys): SharedGroups {
  return { ...groups, seal: keys.seal("user-groups", groups as unknown as Json) };
}

/**
 * Another process's answer; null: none of ours shared one for this workspace within `ageMs`. An attacker with Redis can neither add a person
 * nor keep one longer than Slack's answer counts.
 */
export function readGroups(
  stored: unknown,
  { workspace, now, ageMs }: { readonly workspace: string; readonly now: Date; readonly ageMs: number },
  keys: DecisionKeys,
): SharedGroups | null {
  const { data } = sharedGroupsForm.safeParse(stored);
  if (!data || data.workspace !== workspace || isDatedAhead(data, now)) return null;
  if (!(now.getTime() - Date.parse(data.at) < ageMs)) return null;
  const { seal, ...groups } = data;
  return keys.isSealed("user-groups", groups as unknown as Json, seal) ? data : null;
}
