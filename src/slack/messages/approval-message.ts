import type { KnownBlock } from "@slack/types";
import type { AccessRequest } from "../../request/request.ts";
import { code, codeBlock, codeList, context, fields, mention, plainLine, section, time } from "../mrkdwn.ts";
import type { Message } from "./message.ts";
import { durationOf, identityOf, proofLines, said, stateOf, troubleOf } from "./words.ts";

export const approveAction = "approve";
export const denyAction = "deny";
export const revokeAction = "revoke";
export const extendAction = "extend";

/**
 * The message in the cluster's channel, through the whole life of a request. A pure function of the ledger's record.
 * Slack refuses a message with more than about 13,000 characters, so each part has its share of them.
 */
export function approvalMessage(request: AccessRequest): Message {
  const { requester, level, cluster } = request;
  const extending = request.extends ? `, to extend ${code(request.extends)}` : "";
  const title = `${mention(requester)} asks for ${code(level)} on ${code(cluster)}${extending}`;
  return {
    text: `${mention(requester)} asks for ${level} on ${cluster}: ${stateOf(request)}`,
    blocks: [
      section(`*${title}*\n>${plainLine(request.reason)}`),
      fields([
        `*Principal*\n${code(request.principal)}`,
        `*Groups*\n${codeList(request.groups, 900)}`,
        `*For*\n${durationOf(request)} from the approval`,
        `*Request*\n${code(request.id)}, asked ${time(request.createdAt)}`,
      ]),
      ...previewBlocks(request),
      ...stateBlocks(request),
    ],
  };
}

function previewBlocks({ preview, grant }: AccessRequest): KnownBlock[] {
  if (!preview || grant?.state === "ended") return [];
  return [
    section(`*Today* ${identityOf(preview.today)}`),
    section(`*Then* ${identityOf(preview.afterwards, 1000)}`),
    section(
      `*Change to aws-auth*\n${preview.diff ? codeBlock(preview.diff, 2500) : "none: another grant gives it already"}`,
    ),
    ...preview.warnings.slice(0, 4).map((warning) => context(`:warning: ${said(warning, 400)}`)),
  ];
}

function stateBlocks(request: AccessRequest): KnownBlock[] {
  const blocks: KnownBlock[] = [];
  if (request.voided && request.state === "pending") {
    const { by, message } = request.voided;
    blocks.push(section(`:warning: The approval by ${mention(by)} is void: ${said(message, 400)}. Decide again.`));
  }
  blocks.push(section(stateOf(request)));
  const trouble = troubleOf(request);
  if (trouble) blocks.push(section(trouble));
  if (request.grant?.proof && request.grant.state === "active" && !request.grant.drift)
    blocks.push(section(proofLines(request.grant.proof)));
  if (request.state === "pending" && request.preview) blocks.push(buttons(request, request.preview.digest));
  if (request.grant?.state === "active" && !request.grant.end) blocks.push(leaseButtons(request));
  return blocks;
}

/** The digest in the button binds the click to the change that this message shows. */
function buttons(request: AccessRequest, digest: string): KnownBlock {
  const value = JSON.stringify({ request: request.id, digest });
  return {
    type: "actions",
    block_id: `decide-${request.id}-${digest.slice(0, 12)}`,
    elements: [
      {
        type: "button",
        action_id: approveAction,
        style: "primary",
        text: { type: "plain_text", text: "Approve" },
        value,
      },
      { type: "button", action_id: denyAction, style: "danger", text: { type: "plain_text", text: "Deny" }, value },
    ],
  };
}

/** While the lease runs: who holds it may ask for more or be done, approvers and on-call may take it away. */
export function leaseButtons(request: AccessRequest): KnownBlock {
  const text = (value: string) => ({ type: "plain_text" as const, text: value });
  return {
    type: "actions",
    block_id: `lease-${request.id}`,
    elements: [
      { type: "button", action_id: extendAction, text: text("Extend"), value: request.id },
      {
        type: "button",
        action_id: revokeAction,
        text: text("Revoke"),
        value: request.id,
        confirm: {
          title: text("Take the access away?"),
          text: text(`${request.level} on ${request.cluster} ends now.`),
          confirm: text("Revoke"),
          deny: text("Keep"),
        },
      },
    ],
  };
}
