import type { SandboxSlack } from "../../sandbox/slack/workspace.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { SlackContext } from "../../src/slack/app/context.ts";
import type { Directory } from "../../src/slack/app/directory.ts";
import { MessageUpdates } from "../../src/slack/show/shown-messages.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { keys } from "../builders/keys.ts";
import { at, minutes } from "../builders/times.ts";
import { silentContext } from "../fault/silent-context.ts";
import { aClient } from "../sandbox/slack/a-client.ts";

/** A workspace in which no one is of any group. */
export const noGroups: Directory = {
  membershipsOf: async () => [],
  idOf: async (user) => user,
  idsOf: async (user) => [user],
  membersOf: async () => [],
  emailOf: async () => null,
  accountOf: async () => "active",
};

/** What a messenger calls this workspace with. */
export function callsTo(slack: SandboxSlack) {
  const client = aClient(slack);
  return { client, updates: new MessageUpdates(client) };
}

/** What notes clicks, where no message is updated. */
export const noClicks = { noteClick: () => false };

/** The Slack process's context over this ledger, five minutes after the story's start. `text` is its eks-access.yml. */
export function aSlackContext(ledger: Ledger, text = configText, directory = noGroups): SlackContext {
  const config = configOf(text);
  return {
    ...silentContext(ledger),
    config,
    keys,
    workers: { ask: async () => null },
    directory,
    now: () => at(minutes(5)),
    newRequestId: () => "r-new",
    opensTooMany: () => false,
  };
}

/** The same context, of a process that starts: its parts ask for the configuration. */
export function atStart<Context extends Pick<SlackContext, "config">>({ config, ...context }: Context) {
  return { ...context, configuration: () => config, groupChanged: () => {} };
}

/** What the Slack process reads its ledger with. */
export function aGenuineContext(ledger: Ledger) {
  return atStart(aSlackContext(ledger));
}
