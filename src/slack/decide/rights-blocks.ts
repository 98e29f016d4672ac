import type { KnownBlock } from "@slack/types";
import type { Preview } from "../../access/request/record.ts";
import { code, section, told } from "../blocks/mrkdwn.ts";

/** Names of groups say little: what they may do is what is decided about. */
export function rightsBlocks(rights: Preview["rights"] | undefined): KnownBlock[] {
  if (!rights || rights.length === 0) return [];
  const lines = rights
    .slice(0, 4)
    .map(
      ({ group, role, where, allows }) =>
        `• ${code(group, 130)} ${told(where, 60)}: ${told(allows, 140)} (${told(role, 80)})`,
    );
  const left = rights.length - lines.length;
  return [
    section(["*What these groups may do*", ...lines, ...(left > 0 ? [`and ${left} more roles`] : [])].join("\n")),
  ];
}
