import type { Migration } from "../../access/migration/migration.ts";
import { detailsButton } from "../blocks/buttons.ts";
import { section, time } from "../blocks/mrkdwn.ts";
import type { Milestone } from "../lease/requester-message.ts";
import { migrationState, migrationTitle } from "./migration-words.ts";

/**
 * What calls an approver in a direct message where the channel can't, when they are asked and with each reminder. It shows no
 * plan, which may be another one when they read it, and leads to it. Null: nobody has to decide.
 */
export function migrationCall(migration: Migration): Milestone | null {
  const { state, plan, reminders, lapsesAt } = migration;
  if (state !== "pending" || !plan) return null;
  const why = "The channel of the cluster can't be reached, so you are asked here";
  const text = `${migrationTitle(migration)}. ${migrationState(migration)}. ${why}. It lapses ${time(lapsesAt)}.`;
  const actions = { type: "actions" as const, elements: [detailsButton(migration, "Review")] };
  return { name: `call-${plan.at}-${reminders?.sent ?? 0}`, message: { text, blocks: [section(text), actions] } };
}
