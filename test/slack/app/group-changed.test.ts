import { afterEach, expect, test } from "vitest";
import type { Job } from "../../../src/ledger/jobs.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const config = configText.replace("[U0APPROVER, U0APPROVER2]", "[U0APPROVER2, S0PLATFORM]");
let app: SlackApp;

/** A request waits for a person of the user group, who sees it in App Home. */
async function start(mode: "http" | "socket"): Promise<void> {
  app = await aSlackApp({ config, mode });
  app.slack.addUsergroup("S0PLATFORM", ["U0APPROVER"]);
  await app.follow(config);
  const { id } = await app.put(aPreviewedRequest());
  await app.person("U0APPROVER").openHome();
  await app.slack.until(() => app.person("U0APPROVER").home());
  await app.show(id);
  app.pass(31);
  app.woken();
}
afterEach(() => app.stop());

test.each(["http", "socket"] as const)(
  "over %s, what a user group's change makes stale is shown again",
  async (mode) => {
    await start(mode);

    await app.slack.changeUsergroup("S0PLATFORM", []);

    const stale = [
      { type: "show", record: "r-1" },
      { type: "show-home", user: "U0APPROVER" },
    ];
    let woken: readonly Job[] = [];
    const wokenYet = () => {
      woken = [...woken, ...app.woken()];
      return woken;
    };
    await expect.poll(wokenYet).toEqual(expect.arrayContaining(stale));
    // No person sent the events, so no one tried anything.
    const events = (await app.ledger.events(1, 100)).map(({ event }) => event.type);
    expect(events).not.toContain("attempt.refused");
  },
);
