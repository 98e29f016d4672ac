import { expect, onTestFinished, test, vi } from "vitest";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { commands } from "../../../src/slack/app/commands.ts";
import type { CommandCall, SlackContext } from "../../../src/slack/app/context.ts";
import type { Directory } from "../../../src/slack/app/directory.ts";
import { configText } from "../../builders/a-cluster.ts";
import { engineerArn } from "../../builders/a-request.ts";
import { at, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

const nobody = "policy: { rules: [{ name: engineers, who: [U0SOMEBODY] }] }\n";

function aContext(ledger: Ledger, more = "", text = configText): SlackContext {
  let made = 0;
  const newRequestId = () => {
    made += 1;
    return `r-new${made}`;
  };
  return { ...aSlackContext(ledger, `${text}\n${more}`), newRequestId };
}

/** What is answered to `/eks-access <line>`. */
async function say(
  context: SlackContext,
  line: string,
  user = "U0ENGINEER",
  people: CommandCall["people"] = new Map(),
): Promise<string> {
  const [word, ...rest] = line.split(" ");
  const command = commands.find((each) => each.word === word) ?? expect.fail(`no command ${word}`);
  const client = {} as never;
  const answer = await command.run(context, {
    user,
    rest: rest.join(" "),
    channel: "",
    triggerId: "",
    people,
    client,
    commands,
  });
  return answer?.text ?? "";
}

const asking = (reason: string) => `request staging ${engineerArn} viewer for 1h ${reason}`;
const everything = { list: "all", clusters: ["staging"], requester: null, match: "any" } as const;

test("150 refused requests of a person without any right leave no record, and a bounded number of events", async () => {
  const ledger = memoryLedger();
  const context = aContext(ledger, `${nobody}limits: { requests: 1000 }`);

  for (let index = 0; index < 150; index += 1) {
    expect(await say(context, asking(`because ${index}`))).toMatch(/^No request made\. The policy does not let you/);
  }

  expect((await ledger.list(everything, 0, 9)).total).toBe(0);
  expect((await ledger.events(1, 1_000)).map(({ event }) => event.type)).toEqual(["request.refused"]);
});

test("one person can't call a channel for emergencies without end", async () => {
  const emergency =
    "policy: { rules: [{ name: everybody }], breakGlass: [{ who: [U0ENGINEER], level: admin, for: 10m }] }\n";
  const ledger = memoryLedger();
  const onCall = configText.replace("    levels:", "    onCall: [U0ENGINEER, U0ONCALL]\n    levels:");
  const context = aContext(ledger, emergency, onCall);

  const answers: string[] = [];
  for (let index = 0; index < 32; index += 1) {
    answers.push(await say(context, `break-glass staging ${engineerArn} because ${index}`));
  }

  expect(answers.filter((each) => each.startsWith("You took emergency"))).toHaveLength(30);
  expect(answers.at(-1)).toMatch(
    /^:hourglass: You took emergency access 30 times\. Try again at <!date.*>, or ask <@U0ONCALL>\.$/,
  );
  expect((await ledger.list(everything, 0, 9)).total).toBe(30);
  expect(await say(context, asking("no emergency"))).toMatch(/^Requested/);
});

test("one person can't name so many others that Slack answers no more about approvers", async () => {
  const accountOf = vi.fn<Directory["accountOf"]>(async (user) => (user.startsWith("U0NAMED") ? "guest" : "active"));
  const context = { ...aContext(memoryLedger()), directory: { ...noGroups, accountOf } };

  const answers: string[] = [];
  for (let index = 0; index < 40; index += 1) {
    const line = `request staging ${engineerArn} viewer for @bob for 1h look into it`;
    answers.push(await say(context, line, "U0ENGINEER", new Map([["@bob", `U0NAMED${index}`]])));
  }

  expect(answers[0]).toContain("guests of the workspace get no access");
  expect(answers.at(-1)).toMatch(/^:hourglass: You sent 30 questions\. Try again at <!date/);
  expect(accountOf).toHaveBeenCalledTimes(30);
  expect(await say(context, asking("their own"))).toMatch(/^Requested/);
});

test("60 identical requests at once are one, and so is one more later; each answer names it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const ledger = memoryLedger();
  const context = aContext(ledger);

  const answers = await Promise.all(Array.from({ length: 60 }, () => say(context, asking("the deployment hangs"))));

  vi.setSystemTime(Date.now() + 60_000);
  answers.push(await say(context, asking("the deployment hangs")));

  expect((await ledger.list(everything, 0, 9)).total).toBe(1);
  expect(answers.filter((answer) => answer.includes("`r-new1`"))).toHaveLength(61);
  expect(answers.filter((answer) => answer.startsWith("Already requested"))).toHaveLength(60);
});

test("a person who retries after Slack gave up on a dead process does not wait for its work", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const ledger = memoryLedger();
  let looks = 0;
  const counted: typeof ledger.list = (...asked) => {
    looks += 1;
    return ledger.list(...asked);
  };
  const dying = aContext({ ...ledger, commit: () => Promise.reject(new Error("killed")) });
  await expect(say(dying, asking("the deployment hangs"))).rejects.toThrow("killed");
  vi.setSystemTime(Date.now() + 3_000);

  const answer = await say(aContext({ ...ledger, list: counted }), asking("the deployment hangs"));

  expect(answer).toContain("`r-new1`");
  expect(looks).toBe(1);
});

test("no more requests of one person wait than may, and the answer says which do and until when", async () => {
  const ledger = memoryLedger();
  const context = aContext(ledger, "limits: { pending: 2 }");
  await say(context, asking("one"));
  await say(context, asking("two"));

  const third = await say(context, asking("three"));
  const others = await say(context, asking("three"), "U0ONCALL");

  expect(third).toMatch(
    /^:hourglass: No request made: you already have 2 requests waiting .*`r-new[12]`.* expires <!date/s,
  );
  expect(others).not.toContain(":hourglass:");
  expect((await ledger.list(everything, 0, 9)).total).toBe(3);
});

test("no more requests of one person wait than may where many are made at once", async () => {
  const ledger = memoryLedger();
  const context = aContext(ledger, "limits: { pending: 2 }");

  const answers = await Promise.all(
    ["one", "two", "three", "four", "five"].map((reason) => say(context, asking(reason))),
  );

  expect((await ledger.list(everything, 0, 9)).total).toBe(2);
  expect(answers.filter((answer) => answer.includes("ou already have 2 requests waiting"))).toHaveLength(3);
});

test("changes of one person's link count among their requests, so that no one fills the audit log with them", async () => {
  const ledger = memoryLedger();
  const context = aContext(ledger, "limits: { requests: 3, every: 10m }");

  const answers: string[] = [];
  for (let index = 0; index < 6; index += 1) answers.push(await say(context, `link ${engineerArn}${index}`));

  expect(answers.filter((answer) => answer.startsWith(":hourglass: You sent 3 requests"))).toHaveLength(3);
  expect((await ledger.events(1, 99)).map(({ event }) => event.type)).toEqual(["link.made", "link.made", "link.made"]);
});

test("requests of one person, refused ones too, are limited in a time, and the answer says when there is room", async () => {
  const context = aContext(memoryLedger(), `${nobody}limits: { requests: 3, every: 10m }`);
  for (const reason of ["one", "two", "three"]) await say(context, asking(reason));

  const fourth = await say(context, asking("four"));
  const later = await say({ ...context, now: () => at(minutes(16)) }, asking("five"));

  expect(fourth).toMatch(/^:hourglass: You sent 3 requests\. Try again at <!date\^\d+/);
  expect(later).toContain("The policy does not let you");
});

test("questions of one person that a worker answers are limited, whichever they are", async () => {
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return null;
  };
  const context = { ...aContext(memoryLedger(), "limits: { questions: 5 }"), workers: { ask } };

  const answers: string[] = [];
  for (let index = 0; index < 10; index += 1) {
    for (const line of ["check staging", "whoami", "whoami staging"]) answers.push(await say(context, line));
  }

  expect(answers.filter((answer) => answer.includes("You sent 5 questions."))).toHaveLength(25);
  expect(asked).toBeLessThanOrEqual(10);
});
