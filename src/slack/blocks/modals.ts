import type { KnownBlock, ModalView } from "@slack/types";
import { isMigrationId } from "../../access/migration/migration.ts";
import type { Message } from "./message.ts";
import { code } from "./mrkdwn.ts";

/** The form for the reason of a denial. `private_metadata` is the value of the button. */
export const denyModalId = "deny";
/** The form for the reason why a migration is denied. `private_metadata` is the value of the button. */
export const denyMigrationModalId = "deny-move";
/** The form for the reason of a revocation. `private_metadata` is the request's id. */
export const revokeModalId = "revoke";
/** All that is known of a request or a move. `private_metadata` is its id. */
export const detailsModalId = "details";

/** As long as it is shown whole beside everything else. */
export const maxWhyLength = 300;

const text = (value: string) => ({ type: "plain_text" as const, text: value });

/** Asks why before a request is denied: whoever asked has to know what to do instead. */
export function denyModal(value: string): ModalView {
  return {
    type: "modal",
    callback_id: denyModalId,
    private_metadata: value,
    title: text("Deny the request"),
    submit: text("Deny"),
    close: text("Back"),
    blocks: [reasonInput("Why", "The requester reads this, for example: use staging instead", false)],
  };
}

/** Asks why before a migration is denied. */
export function denyMigrationModal(value: string): ModalView {
  return { ...denyModal(value), callback_id: denyMigrationModalId, title: text("Deny the migration") };
}

/**
 * Asks once more before access is taken away.
 * @param extensions ids of leases that extend it, and end with it
 */
export function revokeModal(id: string, extensions: readonly string[] = []): ModalView {
  const also = extensions.map((each) => code(each)).join(", ");
  const ends = `${code(id)} ends now${also && `, and with it what extends it: ${also}`}.`;
  return {
    type: "modal",
    callback_id: revokeModalId,
    private_metadata: id,
    title: text("Revoke access"),
    submit: text("Revoke"),
    close: text("Keep it"),
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: ends } },
      reasonInput("Why", "Everybody in the channel reads this", true),
    ],
  };
}

function reasonInput(label: string, placeholder: string, optional: boolean): KnownBlock {
  return {
    type: "input",
    block_id: "why",
    optional,
    label: text(label),
    element: {
      type: "plain_text_input",
      action_id: "value",
      multiline: true,
      max_length: maxWhyLength,
      placeholder: text(placeholder),
    },
  };
}

/** A message where there is no conversation to put it into: over a form, or over App Home. */
export function messageModal(title: string, { blocks }: Message): ModalView {
  return { type: "modal", title: text(title), close: text("Close"), blocks: [...blocks] };
}

/** All that is known of a request or a move, with what came of the last click on top. */
export function detailsModal(id: string, status: Message, notice: Message | null): ModalView {
  return {
    ...messageModal(isMigrationId(id) ? "Migration" : "Request", status),
    callback_id: detailsModalId,
    private_metadata: id,
    blocks: [...(notice ? [...notice.blocks, { type: "divider" as const }] : []), ...status.blocks],
  };
}
