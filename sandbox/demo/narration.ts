import type { SandboxCall } from "../http-server.ts";
import type { Sandbox } from "../sandbox.ts";
import { channel } from "../scene.ts";
import type { SandboxMessage } from "../slack/inputs.ts";
import { wholeTextOf } from "../slack/message-content.ts";

class StoryError extends Error {
  readonly step: string;

  constructor(step: string, expected: string, found: string, cause?: unknown) {
    super(`${step}: expected ${expected}, found ${found}`, { cause });
    this.name = "StoryError";
    this.step = step;
  }
}

export interface Narration {
  step: (title: string) => void;
  line: (text: string) => void;
  block: (text: string) => void;
  called: (call: SandboxCall) => void;
  /** Prints the calls since the last printed one, and the step's time: a worker can begin before the step that shows its work. */
  calls: (matching: (call: SandboxCall) => boolean) => void;
}

export interface Terminal {
  write: (text: string) => void;
  readonly colour: boolean;
}

export function narrate({ write, colour }: Terminal): Narration {
  const paint = (codes: string, text: string) => (colour ? `\u001b[${codes}m${text}\u001b[0m` : text);
  let steps = 0;
  let began = performance.now();
  let calls: SandboxCall[] = [];
  return {
    step: (title) => {
      if (steps === 0) calls = [];
      steps += 1;
      began = performance.now();
      write(`\n${paint("1", `${steps}. ${title}`)}\n`);
    },
    line: (text) => write(`   ${text}\n`),
    block: (text) =>
      write(
        `${text
          .split("\n")
          .map((line) => `   ${paint("2", "│")} ${paintLine(paint, line)}`)
          .join("\n")}\n`,
      ),
    called: (call) => void calls.push(call),
    calls: (matching) => {
      for (const each of calls.filter(matching)) {
        const ms = `${each.milliseconds.toFixed(0)} ms`.padStart(7);
        const by = each.by ? `  as ${each.by}` : "";
        write(`   ${paint("2", `→ ${each.call.padEnd(40)} ${each.status} ${ms}${by}`)}\n`);
      }
      calls = [];
      write(`   ${paint("2", `took ${((performance.now() - began) / 1000).toFixed(1)} s`)}\n`);
    },
  };
}

function paintLine(paint: (codes: string, text: string) => string, line: string): string {
  if (/^\+(?!\+\+)/.test(line)) return paint("32", line);
  if (/^-(?!--)/.test(line)) return paint("31", line);
  return line;
}

/** @throws StoryError unless the condition holds */
export function expectThat(condition: boolean, step: string, expected: string, found: string): void {
  if (!condition) throw new StoryError(step, expected, found);
}

export function channelMessage(sandbox: Sandbox, ...texts: readonly string[]): SandboxMessage | undefined {
  return sandbox.slack
    .messages(channel)
    .findLast((message) => texts.every((each) => wholeTextOf(message).includes(each)));
}

/** Waits for something in the workspace. @throws StoryError if it does not come */
export async function within<T>(step: string, sandbox: Sandbox, find: () => T | undefined, ms = 15_000): Promise<T> {
  return sandbox.slack.until(find, ms).catch((cause: unknown) => {
    throw new StoryError(
      step,
      "it to come about in time",
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  });
}

/** Returns the message of the end. @throws StoryError */
export async function revoke(
  sandbox: Sandbox,
  narration: Narration,
  { title, reason, shown }: { title: string; reason: string; shown: string },
): Promise<SandboxMessage> {
  const line = `/eks-access revoke ${/r-[a-z0-9]{8}/.exec(shown)?.[0]} done`;
  narration.line(line);
  await sandbox.slack.person("U0ENGINEER").command(line, channel);
  return within(title, sandbox, () => channelMessage(sandbox, reason, "*Ended*"));
}
