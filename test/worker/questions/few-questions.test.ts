import { expect, test } from "vitest";
import type { WorkerQuestion } from "../../../src/ledger/jobs.ts";
import { limitQuestions } from "../../../src/ledger/worker-questions.ts";

const check = (user: string): WorkerQuestion => ({ type: "check", cluster: "staging", user, isResponsible: true });

/** Questions that are answered when the test says so, and who has been asked so far. */
function questions(most: number) {
  const asked: string[] = [];
  const answers = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const ask = (question: WorkerQuestion) =>
    new Promise<unknown>((resolve, reject) => {
      const name = "user" in question ? question.user : question.type;
      asked.push(name);
      answers.set(name, { resolve: () => resolve(name), reject });
    });
  return { asked, answers, ...limitQuestions({ ask }, most) };
}

test("no more questions about clusters are with the workers at once than they may be, and the next one comes in its turn", async () => {
  const { ask, asked, answers } = questions(2);
  const all = ["a", "b", "c", "d"].map((user) => ask(check(user), 1_000));
  const before = [...asked];

  answers.get("b")?.resolve();
  await all[1];

  expect(before).toEqual(["a", "b"]);
  await expect.poll(() => asked).toEqual(["a", "b", "c"]);
});

test("a question that fails makes room, too", async () => {
  const { ask, asked, answers } = questions(1);
  const [first] = ["a", "b"].map((user) => ask(check(user), 1_000));

  answers.get("a")?.reject(new Error("no worker answered"));

  await expect(first).rejects.toThrow("no worker answered");
  await expect.poll(() => asked).toEqual(["a", "b"]);
});

test("whether there is a worker is asked at once, whatever waits", () => {
  const { ask, asked } = questions(1);
  void ask(check("a"), 1_000);
  void ask(check("b"), 1_000);

  void ask({ type: "alive" }, 1_000);

  expect(asked).toEqual(["a", "alive"]);
});
