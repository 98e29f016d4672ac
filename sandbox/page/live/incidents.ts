import { setTimeout as wait } from "node:timers/promises";
import type { SentConfigMap } from "../../cluster/config-map.ts";
import type { Faults } from "../../faults.ts";
import { account } from "../../scene.ts";
import type { TroubleState } from "../panels.ts";
import type { LiveSandbox } from "./live-sandbox.ts";

const awayMs = 3_000;

/** An edit of `aws-auth` with `kubectl edit`: a pure function of the ConfigMap. */
type Edit = (configMap: SentConfigMap) => SentConfigMap;

function rolesOf({ data }: SentConfigMap): string {
  return data?.mapRoles ?? "";
}

function withRoles(configMap: SentConfigMap, mapRoles: string): SentConfigMap {
  return { ...configMap, data: { ...configMap.data, mapRoles } };
}

export const addComment: Edit = (configMap) => {
  const roles = rolesOf(configMap);
  const count = roles.match(/^# seen by the platform team/gm)?.length ?? 0;
  return withRoles(configMap, `# seen by the platform team${count > 0 ? `, ${count + 1} times` : ""}\n${roles}`);
};

const contractors = `# Until the audit is over
- rolearn: arn:aws:iam::${account}:role/auditors
  username: auditor:{{SessionName}}
  groups: [auditors]
`;

export const [addTeam, removeTeam, hasTeam] = editsWith(contractors);

/** Leaves a quotation mark open: no principal of the section can sign in. */
export const [breakYaml, repairYaml, isBroken] = editsWith(`- rolearn: "arn:aws:iam::${account}:role/ci\n`);

/** What adds a text to mapRoles, what removes it, and whether it is there. */
function editsWith(
  text: string,
): readonly [add: Edit, remove: Edit, has: (configMap: SentConfigMap | null) => boolean] {
  return [
    (configMap) => withRoles(configMap, `${rolesOf(configMap).replace(/\n?$/, "\n")}${text}`),
    (configMap) => withRoles(configMap, rolesOf(configMap).replace(text, "")),
    (configMap) => rolesOf(configMap ?? { metadata: {} }).includes(text),
  ];
}

export function removeUsers(configMap: SentConfigMap): SentConfigMap {
  const { mapUsers: _, ...data } = configMap.data ?? {};
  return { ...configMap, data };
}

export function crashes(live: LiveSandbox): readonly Trouble[] {
  const { worker, slack, redis, sandbox, changes } = live;
  return [
    killing("worker", worker, "Requests and ends wait in the ledger until a worker runs again."),
    armedTrouble(
      {
        id: "half-write",
        title: "Kill the worker in the middle of a write",
        explains:
          "The API server accepts the next write, and the worker dies before the answer. It starts again after three seconds.",
        does: "At the next write",
        undoes: "Call it off",
      },
      atNextWrite(sandbox.faults, "cut-after", async () => {
        await worker.kill();
        void wait(awayMs)
          .then(worker.start)
          .catch(() => {});
      }),
      changes.announce,
    ),
    killing("slack", slack, "Slack says that the app did not respond. Messages catch up later."),
    redisOutage(redis, changes.announce),
  ];
}

function killing(id: "slack" | "worker", { state, kill, start }: LiveSandbox["worker"], then: string): Trouble {
  const { name } = state();
  return lastingTrouble(
    { id, title: `Kill the ${name}`, explains: `SIGKILL, now. ${then}`, does: "Kill it", undoes: "Start it again" },
    { begin: kill, end: start, isOn: () => state().state === "gone" },
    () => (state().state === "starting" ? `The ${name} is starting.` : undefined),
  );
}

/** The plan of an armed trouble for the next write of aws-auth. */
export function atNextWrite(faults: Faults, type: "cut-after" | "watch", act: () => Promise<void>) {
  return (struck: () => void) =>
    faults.plan(
      "kubernetes.replace-configmap",
      { type },
      {
        onStrike: async () => {
          await act();
          struck();
        },
      },
    );
}

function redisOutage(redis: LiveSandbox["redis"], changed: () => void): Trouble {
  const isOurs = !process.env.REDIS_URL;
  return lastingTrouble(
    {
      id: "redis",
      title: "Kill Redis",
      explains: "SIGKILL, now. Everything acknowledged is recorded, and everything continues when Redis is back.",
      does: "Kill it",
      undoes: "Start it again",
    },
    { begin: () => redis.kill().finally(changed), end: () => redis.restart().finally(changed) },
    () => (isOurs ? undefined : "The Redis of REDIS_URL is not ours to kill."),
  );
}

export type Trouble = ReturnType<typeof lastingTrouble>;

type Words = Pick<TroubleState, "id" | "title" | "explains" | "does" | "undoes">;

/** Happens once per start. */
export function oneTimeTrouble(words: Words, act: () => Promise<void>, blocked?: () => string | undefined): Trouble {
  return lastingTrouble(words, { begin: act, end: async () => {}, isOn: () => false }, blocked);
}

/** @param blocked why it can't start now */
export function lastingTrouble(
  words: Words,
  { begin, end, isOn }: { begin: () => Promise<void>; end: () => Promise<void>; isOn?: () => boolean },
  blocked: () => string | undefined = () => undefined,
) {
  let on = false;
  let struck = 0;
  const inForce = () => isOn?.() ?? on;
  return {
    state: (): TroubleState => ({ ...words, state: inForce() ? "on" : "off", struck, blocked: blocked() }),
    start: async () => {
      if (inForce()) return;
      await begin();
      on = true;
      struck += 1;
    },
    stop: async () => {
      if (!inForce()) return;
      await end();
      on = false;
    },
  };
}

/** Waits for a call and hits it once. `plan` schedules the hit, and returns its cancellation. */
export function armedTrouble(
  words: Words,
  plan: (struck: () => void) => { cancel: () => void },
  changed: () => void,
): Trouble {
  let waiting: { cancel: () => void } | undefined;
  let count = 0;
  return {
    state: () => ({ ...words, state: waiting ? "armed" : "off", struck: count, blocked: undefined }),
    start: async () => {
      waiting ??= plan(() => {
        count += 1;
        waiting = undefined;
        changed();
      });
    },
    stop: async () => {
      waiting?.cancel();
      waiting = undefined;
    },
  };
}
