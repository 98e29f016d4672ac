import type { Button, KnownBlock } from "@slack/types";
import type { ChainedEvent } from "../../access/audit-event.ts";
import type { DoneStep, Migration } from "../../access/migration.ts";
import type { MigrationAct } from "../../access/policy/permissions.ts";
import { timelineText } from "../look/status-answer.ts";
import { detailsButton } from "../show/buttons.ts";
import { type Message, messageOf } from "../show/message.ts";
import { actions, code, context, section, styled, time } from "../show/mrkdwn.ts";
import {
  approveMigrationButton,
  denyMigrationButton,
  retryMigrationButton,
  stopMigrationButton,
} from "./migration-buttons.ts";
import { migrationWord } from "./migration-words.ts";
import { migrationBlocks, type Place, showsWholePlan } from "./plan-answer.ts";

const buttonOf: Readonly<Record<MigrationAct, (migration: Migration) => Button>> = {
  approve: approveMigrationButton,
  deny: denyMigrationButton,
  retry: retryMigrationButton,
  stop: stopMigrationButton,
};

/** Each has its proof; older ones are in the thread. */
const maxProofs = 5;

interface MigrationStatus {
  readonly migration: Migration;
  readonly events: readonly ChainedEvent[];
  readonly acts: readonly MigrationAct[];
}

export function migrationStatusAnswer({ migration, events, acts }: MigrationStatus, place: Place = "message"): Message {
  const isWhole = showsWholePlan(migration, place);
  const elements = [
    ...(place === "view" || isWhole || !acts.includes("approve") ? [] : [detailsButton(migration)]),
    ...acts.filter((act) => act !== "approve" || isWhole).map((act) => buttonOf[act](migration)),
  ];
  return messageOf([
    ...migrationBlocks(migration, place),
    ...(migration.state === "pending"
      ? [context(`Expires ${time(migration.expiresAt)}.`)]
      : proofBlocks(migration.done)),
    section(`*What happened*\n${timelineText(events, 1500, migrationWord(migration))}`),
    ...(elements.length > 0 ? [actions(`migration-status-${migration.id}`, elements)] : []),
  ]);
}

function proofBlocks(done: readonly DoneStep[]): KnownBlock[] {
  if (done.length === 0) return [];
  const lines = done
    .slice(-maxProofs)
    .map(({ name, at, proof }) => `✓ ${code(name, 100)} ${time(at)}: ${styled(proof.join(" "), 400)}`);
  const title = done.length > lines.length ? `*Proved*, the last ${lines.length} of ${done.length} steps` : "*Proved*";
  return [section(`${title}\n${lines.join("\n")}`)];
}
