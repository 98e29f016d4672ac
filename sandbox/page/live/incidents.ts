import { setTimeout as wait } from "node:timers/promises";
import type { SentConfigMap } from "../../cluster/config-map.ts";
import { account } from "../../scene.ts";
import type { TroubleState } from "../panels.ts";
import type { LiveSandbox } from "./live-sandbox.ts";

const awayMs = 3_000;

/** An edit of `aws-auth` with `kubectl edit`: a pure function of the ConfigMap. */
type Edit = (configMap: SentConfigMap) => SentConfigMap;

const rolesOf = ({ data }: SentConfigMap): string => data?.mapRoles ?? "";

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

export const addTeam: Edit = (configMap) =>
  withRoles(configMap, `${rolesOf(configMap).replace(/\n?$/, "\n")}${contractors}`);
export const removeTeam: Edit = (configMap) => withRoles(configMap, rolesOf(configMap).replace(contractors, ""));
export const hasTeam = (configMap: SentConfigMap | null): boolean =>
  rolesOf(configMap ?? { metadata: {} }).includes(contractors);

const slip = `- rolearn: "arn:aws:iam::${account}:role/ci\n`;

/** Leaves a quotation mark open: no principal of the section can sign in. */
export const breakYaml: Edit = (configMap) =>
  withRoles(configMap, `${rolesOf(configMap).replace(/\n?$/, "\n")}${slip}`);
export const repairYaml: Edit = (configMap) => withRoles(configMap, rolesOf(configMap).replace(slip, ""));
export const isBroken = (configMap: SentConfigMap | null): boolean =>
  rolesOf(configMap ?? { metadata: {} }).includes(slip);

export function removeUsers(configMap: SentConfigMap): SentConfigMap {
  const { mapUsers: _, ...data } = configMap.data ?? {};
  return { ...configMap, data };
}

export function crashes(live: LiveSandbox): readonly Trouble[] {
  const { worker, slack, redis, sandbox, changes } = live;
  return [
    lastingTrouble(
      {
        id: "worker",
        title: "Kill the worker",
        explains: "SIGKILL, now. Requests and ends wait in the ledger until a worker runs again.",
        does: "Kill it",
        undoes: "Start it again",
      },
      { begin: worker.kill, end: worker.start, isOn: () => worker.state().state === "gone" },
      () => (worker.state().state === "starting" ? "The worker is starting." : undefined),
    ),
    armedTrouble(
      {
        id: "half-write",
        title: "Kill the worker in the middle of a write",
        explains:
          "The API server accepts the next write, and the worker dies before the answer. It starts again after three seconds.",
        does: "At the next write",
        undoes: "Call it off",
      },
      (struck) =>
        sandbox.faults.plan(
          "kubernetes.replace-configmap",
          { type: "cut-after" },
          {
            onStrike: async () => {
              await worker.kill();
              struck();
              void wait(awayMs)
                .then(worker.start)
                .catch(() => {});
            },
          },
        ),
      changes.announce,
    ),
    lastingTrouble(
      {
        id: "slack",
        title: "Kill the slack process",
        explains: "SIGKILL, now. Slack says that the app did not respond. Messages catch up later.",
        does: "Kill it",
        undoes: "Start it again",
      },
      { begin: slack.kill, end: slack.start, isOn: () => slack.state().state === "gone" },
      () => (slack.state().state === "starting" ? "The slack process is starting." : undefined),
    ),
    redisOutage(redis, changes.announce),
  ];
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

export interface Trouble {
  state: () => TroubleState;
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

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
): Trouble {
  let on = false;
  let struck = 0;
  const inForce = () => isOn?.() ?? on;
  return {
    state: () => ({ ...words, state: inForce() ? "on" : "off", struck, blocked: blocked() }),
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
