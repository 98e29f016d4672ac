import { expect, test } from "vitest";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { usualDeadlines } from "../../../src/operations/deadlines.ts";
import { commands, handleCommand } from "../../../src/slack/app/commands.ts";
import type { SlackContext } from "../../../src/slack/app/context.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { noGroups } from "../slack-context.ts";

const breakGlass = { who: ["U0ENGINEER"], level: "admin", durationSeconds: 3600 };
const config = { clusters: new Map<string, Cluster>(), timing: { deadlines: usualDeadlines } };

type Command = Parameters<typeof handleCommand>[1];

/** What is answered to `/eks-access <text>`, by a process that has nothing at hand. */
async function answerTo(text: string, clusters = config.clusters): Promise<string> {
  const answers: string[] = [];
  const command = {
    command: { text, user_id: "U0ENGINEER" },
    ack: async (answer?: { text: string }) => void (answer && answers.push(answer.text)),
    respond: async (answer: { text: string }) => void answers.push(answer.text),
  } as unknown as Command;
  const context = { config: { ...config, clusters }, directory: noGroups } as unknown as SlackContext;
  await handleCommand(context, command);
  return answers.join("\n");
}

test.each(["constructor", "__proto__", "toString", "hasOwnProperty"])("%s is no command", async (word) => {
  expect(await answerTo(word)).toMatch(/^There is no command `.+`\. See `\/eks-access help`\.$/);
});

test.each(["", "help", "HELP", "  help  me"])("%j is answered with the help", async (text) => {
  expect(await answerTo(text)).toContain("gives you access to an EKS cluster for a time");
});

test("a word with a mistake is answered with the whole line, corrected, as it was typed", async () => {
  expect(await answerTo("rquest staging &lt;arn&gt; viewer  because &amp; so")).toBe(
    "There is no command `rquest`. Did you mean `request`? Copy this line:\n" +
      "```/eks-access request staging &lt;arn&gt; viewer because &amp; so```",
  );
});

test.each(["brek-glass staging", "emergency staging", "aprove r-7k2m9x4q"])(
  "%s names no command that the person can't use",
  async (text) => {
    expect(await answerTo(text)).toMatch(/^There is no command `[a-z-]+`\. See/);
  },
);

test.each([
  ["emergency staging checkout is down", "break-glass staging checkout is down"],
  ["access staging viewer deploy", "request staging viewer deploy"],
  ["staging viewer for 1h deploy", "request staging viewer for 1h deploy"],
  ["Staging viewer for 1h deploy", "request Staging viewer for 1h deploy"],
  ["viewer on staging for 1h deploy", "request viewer on staging for 1h deploy"],
  ["done r-7k2m9x4q", "revoke r-7k2m9x4q"],
])("%s is answered with the command that has other letters", async (text, line) => {
  expect(await answerTo(text, new Map([["staging", aCluster({ breakGlass })]]))).toContain(`\`\`\`/eks-access ${line}`);
});

test.each(["break glass", "Break  Glass", "emergency access"])("%s is the command of two words", async (words) => {
  expect(await answerTo(`${words} staging for @bob checkout is down`)).toContain("yours alone");
});

test("the id of a request alone is answered with the line that shows it", async () => {
  expect(await answerTo("r-7k2m9x4q")).toContain("```/eks-access status r-7k2m9x4q```");
});

test("no two commands have one word, and each is typed without capitals", () => {
  const words = commands.map(({ word }) => word);

  expect(new Set(words).size).toBe(words.length);
  expect(words.filter((word) => !/^[a-z-]+$/.test(word))).toEqual([]);
});

test("what is there in time is answered in the acknowledgement, and in nothing else", async () => {
  const said: string[] = [];
  const command = {
    command: { text: "help", user_id: "U0ENGINEER" },
    ack: async (answer?: { text: string }) => void said.push(`ack ${answer?.text}`),
    respond: async (answer: { text: string }) => void said.push(`respond ${answer.text}`),
  } as unknown as Command;
  const context = { config, directory: noGroups } as unknown as SlackContext;

  await handleCommand(context, command);

  expect(said).toEqual([expect.stringMatching(/^ack .*gives you access to an EKS cluster for a time/)]);
});
