import type { KnownBlock } from "@slack/types";
import { isBound } from "../../access/policy/role-text.ts";
import type { AccessRequest, Preview } from "../../access/request/record.ts";
import { isClosed, isRescue } from "../../access/request/request.ts";
import {
  approveButton,
  denyButton,
  detailsButton,
  extendButtons,
  reviewedButton,
  revokeButton,
} from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import {
  code,
  codeList,
  context,
  fields,
  mention,
  mentions,
  plainLine,
  preformatted,
  section,
  styled,
  time,
} from "../blocks/mrkdwn.ts";
import {
  admitsText,
  droppedTexts,
  emergencyTitle,
  endProofLines,
  identityOf,
  leaseField,
  placeOf,
  proofLines,
  reviewState,
  said,
  stateOf,
  troubleOf,
} from "../blocks/words.ts";
import type { Presence } from "./living-approvers.ts";

/**
 * The first post, which an update turns into the message below. Slack's answer to a post can get lost, so a message can
 * appear twice: the copy left behind has no button, and says nothing that can become untrue.
 */
export function openingMessage(request: AccessRequest): Message {
  const { id, requester, level, cluster } = request;
  const asks = `${mention(requester)} asks for ${level} on ${cluster}`;
  return {
    text: request.emergency ? `<!channel> ${emergencyTitle(request)}` : asks,
    blocks: [
      ...(request.emergency ? [section("<!channel>")] : []),
      section(titleOf(request, [])),
      context(`Request ${code(id)}. If it does not update here, look for a newer message.`),
    ],
  };
}

/**
 * The message in the cluster's channel, through the whole life of a request: a pure function of the record, and of the
 * approvers left in Slack.
 * Slack refuses a message with more than about 13,000 characters, so each part has its share of them.
 */
export function approvalMessage(request: AccessRequest, presence: Presence | null = null): Message {
  const { requester, level, cluster } = request;
  return {
    text: `${mention(requester)} ${request.emergency ? "took emergency" : "asks for"} ${level} on ${cluster}: ${stateOf(request)}`,
    blocks: [
      section(titleOf(request, [admitsText(request)])),
      fields([
        `*Principal*\n${code(request.principal)}`,
        isRescue(request)
          ? `*Access policy*\n${code("AmazonEKSClusterAdminPolicy")}`
          : `*${isBound(request.groups) ? "Roles" : "Groups"}*\n${codeList(request.groups, 900)}`,
        leaseField(request),
        `*Request*\n${code(request.id)}, asked ${time(request.createdAt)}`,
        ...(request.ticket ? [`*Ticket*\n${code(request.ticket)}`] : []),
      ]),
      ...previewBlocks(request),
      ...presenceBlocks(presence),
      ...stateBlocks(request),
    ],
  };
}

/** @param below the first lines under the title */
function titleOf(request: AccessRequest, below: readonly string[]): string {
  const { requester, level, cluster, reason, extends: extended } = request;
  const extending = extended ? `, to extend ${code(extended)}` : "";
  const asks = `*${mention(requester)} asks for ${code(level)} on ${code(cluster)}${extending}*`;
  return [request.emergency ? emergencyTitle(request) : asks, ...below, `>${plainLine(reason)}`].join("\n");
}

/** Shown until the request is closed: a change that was never made, or is undone, is not true. Warnings: only before the decision. */
function previewBlocks(request: AccessRequest): KnownBlock[] {
  const { preview } = request;
  if (!preview || isClosed(request)) return [];
  return [
    ...rightsBlocks(preview),
    section(`*Before* ${identityOf(preview.today)}`),
    ...otherLeases(request),
    section(`*After* ${identityOf(preview.afterwards, 1000)}`),
    section(`*Change to ${placeOf(preview)}*${preview.diff ? "" : noChange(request)}`),
    ...(preview.diff ? [preformatted(preview.diff, 1900)] : []),
    ...(request.state === "pending" ? preview.warnings : [])
      .slice(0, 6)
      .map((warning) => context(`:warning: ${said(warning, 300)}`)),
  ];
}

function noChange({ extends: extended }: AccessRequest): string {
  return `\nnone: ${extended ? `this only extends ${code(extended)}` : "another lease already gives this"}`;
}

/** The principal's other leases: with them an approver sees everything that the principal will have. */
function otherLeases({ state, preview }: AccessRequest): KnownBlock[] {
  const given = (preview?.leases ?? []).filter(({ groups }) => groups.length > 0);
  if (state !== "pending" || given.length === 0) return [];
  const shown = given
    .slice(0, 5)
    .map(({ id, groups, endsAt }) => `${codeList(groups, 200)} until ${time(endsAt)} (${code(id)})`);
  const more = given.length > shown.length ? `, and ${given.length - shown.length} more` : "";
  return [section(`*Other leases* ${shown.join(", ")}${more}`)];
}

function presenceBlocks(presence: Presence | null): KnownBlock[] {
  if (!presence || presence.departed.length === 0) return [];
  const left = presence.present.length > 0 ? mentions(presence.present) : "no one. Ask an operator to add approvers";
  return [context(`:warning: No longer in Slack: ${mentions(presence.departed)}. Still able to decide: ${left}`)];
}

function stateBlocks(request: AccessRequest): KnownBlock[] {
  const blocks: KnownBlock[] = [];
  if (request.voided && request.state === "pending") {
    const { by, message } = request.voided;
    blocks.push(
      section(`:warning: The approval by ${mentions(by)} no longer counts: ${said(message, 400)}. Decide again.`),
    );
  }
  if (request.state === "pending") {
    blocks.push(...droppedTexts(request.dropped).map((text) => context(`:warning: ${text}`)));
  }
  blocks.push(section(stateOf(request)));
  const trouble = troubleOf(request);
  if (trouble) blocks.push(section(trouble));
  if (request.state === "pending" && request.preview) blocks.push(buttons(request, request.preview.digest));
  blocks.push(...reviewBlocks(request));
  const { lease } = request;
  const ended = lease?.state === "ended" ? endProofLines(lease) : "";
  if (ended) blocks.push(section(ended));
  if (lease?.state !== "active" || lease.end) return blocks;
  if (lease.proof && !lease.drift) blocks.push(section(proofLines(lease)));
  blocks.push(leaseButtons(request));
  return blocks;
}

function reviewBlocks(request: AccessRequest): KnownBlock[] {
  if (!request.emergency) return [];
  const state = section(reviewState(request));
  if (request.emergency.review) return [state];
  return [state, { type: "actions", block_id: `review-${request.id}`, elements: [reviewedButton(request)] }];
}

/** The digest in the button binds the click to the change that this message shows. */
function buttons(request: AccessRequest, digest: string): KnownBlock {
  return {
    type: "actions",
    block_id: `decide-${request.id}-${digest.slice(0, 12)}`,
    elements: [approveButton(request), denyButton(request), detailsButton(request)],
  };
}

function leaseButtons(request: AccessRequest): KnownBlock {
  return {
    type: "actions",
    block_id: `lease-${request.id}`,
    elements: [...extendButtons(request), revokeButton(request), detailsButton(request)],
  };
}

/** Approvers decide about rights; names of groups and roles say little. */
export function rightsBlocks({ rights, way }: Pick<Preview, "rights" | "way">): KnownBlock[] {
  if (!rights || rights.length === 0) return [];
  const isByBinding = way === "binding";
  const lines = rights.slice(0, 4).map(({ group, role, where, allows }) => {
    const of = isByBinding ? "" : ` (${styled(role, 80)})`;
    return `• ${code(isByBinding ? role : group, 130)} ${styled(where, 60)}: ${styled(allows, 140)}${of}`;
  });
  const left = rights.length - lines.length;
  return [
    section(
      [
        `*What these ${isByBinding ? "roles" : "groups"} may do*`,
        ...lines,
        ...(left > 0 ? [`and ${left} more roles`] : []),
      ].join("\n"),
    ),
  ];
}
