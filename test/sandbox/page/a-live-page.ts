import { oneTimeTrouble } from "../../../sandbox/page/live/incidents.ts";
import { type LivePage, rememberSeen, watchClusters } from "../../../sandbox/page/live/live-page.ts";
import type { LiveSandbox } from "../../../sandbox/page/live/live-sandbox.ts";
import type { LedgerWatch } from "../../../sandbox/page/live/watches.ts";
import { makeTour } from "../../../sandbox/page/tour.ts";
import { startSandbox } from "../../../sandbox/sandbox.ts";
import type { SandboxOptions } from "../../../sandbox/scene-clusters.ts";
import { makeChanges } from "../../../sandbox/slack/state.ts";

const nothing = async () => {};

function aProcess(name: string): LiveSandbox["worker"] {
  const state = () => ({ name, pid: 1, state: "running" as const, starts: 1 });
  return { state, start: nothing, kill: nothing, stop: nothing, logged: nothing };
}

const ledger: LedgerWatch = {
  state: () => null,
  events: () => [],
  look: nothing,
  tamper: nothing,
  close: nothing,
};

/** The sandbox with its page's watchers, without Redis and without the product's processes: a test is the app. */
export async function aLivePage(options: SandboxOptions = {}): Promise<LivePage> {
  const changes = makeChanges();
  const sandbox = await startSandbox({ slackRateLimits: false, ...options });
  sandbox.slack.onChange(changes.announce);
  const clusters = watchClusters(sandbox, changes.announce);
  const words = { id: "one", title: "One", explains: "Counts.", does: "Do", undoes: "" };
  return {
    live: {
      sandbox,
      changes,
      redis: { url: "", origin: "", kill: nothing, restart: nothing, stop: nothing },
      slack: aProcess("slack process"),
      worker: aProcess("worker"),
      calls: () => [],
      stop: nothing,
    },
    clusters,
    ledger,
    troubles: [oneTimeTrouble(words, nothing)],
    seen: rememberSeen(sandbox.slack),
    tour: makeTour(),
    stop: async () => {
      for (const watch of clusters.values()) watch.stop();
      await sandbox.stop();
    },
  };
}
