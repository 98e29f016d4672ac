import type { SandboxCluster } from "../../cluster/sandbox-cluster.ts";
import type { KubectlAnswer } from "../../kubectl.ts";
import type { Sandbox } from "../../sandbox.ts";
import { principals } from "../../scene.ts";
import type { KubectlState } from "../cluster/kubectl.ts";

/** Runs `kubectl get pods` as everybody, once at first and after each change of the document. */
export interface KubectlWatch {
  states: () => readonly KubectlState[];
  /** Resolves when everybody was answered; a run that is asked for meanwhile follows it. */
  run: () => Promise<void>;
}

export function watchKubectl(
  sandbox: Sandbox,
  changed: () => void,
  cluster: SandboxCluster = sandbox.cluster,
): KubectlWatch {
  let states: readonly KubectlState[] = sandbox.slack.people.map(({ id, name }) => ({
    user: id,
    name,
    arn: principals[id] ?? "",
    answer: undefined,
    turns: 0,
  }));
  const ask = async (user: string) => {
    const answer = await sandbox.getPods(user, cluster.name);
    states = states.map((each) => (each.user === user ? answered(each, answer) : each));
    changed();
  };
  const everybody = async () => {
    for (const { user } of states) await ask(user);
  };
  const run = oneAtATime(everybody);
  cluster.onChange(() => void run().catch(() => {}));
  return { states: () => states, run };
}

function answered(state: KubectlState, answer: KubectlAnswer): KubectlState {
  const turned = state.answer !== undefined && state.answer.ok !== answer.ok;
  return { ...state, answer, turns: state.turns + (turned ? 1 : 0) };
}

/** While it runs, any number of further calls become one more run. */
export function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let now: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    now = run().finally(() => {
      now = undefined;
    });
    return now;
  };
  return () => {
    if (!now) return start();
    next ??= now
      .catch(() => {})
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}
