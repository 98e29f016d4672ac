import type { ConfigMap, ConfigMapAddress, SentConfigMap } from "./config-map.ts";
import { deleteProblem, newConfigMap, type Preconditions, replaced } from "./config-map-write.ts";
import { configMapExists, configMapNotFound, isStatus, type Status } from "./status.ts";

/** How a write is meant: `dryRun` does everything but keep it. */
export interface WriteOptions {
  manager: string;
  dryRun: boolean;
}

type Listener = (configMap: ConfigMap, event: "written" | "removed") => void;

/** The ConfigMaps of a cluster, with the concurrency rules of a real API server. */
export class ConfigMapStore {
  readonly #now: () => Date;
  readonly #stored = new Map<string, ConfigMap>();
  readonly #listeners = new Set<Listener>();
  #version = 1000;

  constructor(now: () => Date) {
    this.#now = now;
  }

  get(at: ConfigMapAddress): ConfigMap | undefined {
    return this.#stored.get(keyOf(at));
  }

  /** Those of one namespace, or all of them. */
  list(namespace: string | undefined): ConfigMap[] {
    return [...this.#stored.values()].filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
  }

  create(namespace: string, sent: SentConfigMap, { manager, dryRun }: WriteOptions): ConfigMap | Status {
    const made = newConfigMap(namespace, sent, manager, this.#now());
    if (isStatus(made)) return made;
    if (this.get(made.metadata)) return configMapExists(made.metadata.name);
    return dryRun ? made : this.#keep(made, "written");
  }

  replace(at: ConfigMapAddress, sent: SentConfigMap, { manager, dryRun }: WriteOptions): ConfigMap | Status {
    const before = this.get(at);
    const after = replaced(at, before, sent, manager, this.#now());
    // A write that changes nothing is no write: the version stays (kubernetes, etcd3 store, GuaranteedUpdate).
    if (isStatus(after) || dryRun || after === before) return after;
    const { deletionTimestamp, finalizers } = after.metadata;
    return this.#keep(after, deletionTimestamp && !finalizers ? "removed" : "written");
  }

  remove(at: ConfigMapAddress, preconditions: Preconditions = {}, dryRun = false): ConfigMap | Status {
    const before = this.get(at);
    if (!before) return configMapNotFound(at.name);
    const problem = deleteProblem(before, preconditions);
    if (problem) return problem;
    if (!before.metadata.finalizers) return dryRun ? before : this.#keep(before, "removed");
    if (dryRun || before.metadata.deletionTimestamp) return before;
    const deletionTimestamp = this.#now()
      .toISOString()
      .replace(/\.\d{3}Z$/, "Z");
    const metadata = { ...before.metadata, deletionTimestamp, deletionGracePeriodSeconds: 0 };
    return this.#keep({ ...before, metadata }, "written");
  }

  /** The version of the last write anywhere in the cluster. */
  resourceVersion(): string {
    return String(this.#version);
  }

  /** Called after each write, with the ConfigMap as it is then. Gives the way to stop listening. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #keep(configMap: ConfigMap, event: "written" | "removed"): ConfigMap {
    this.#version += 1;
    const kept = { ...configMap, metadata: { ...configMap.metadata, resourceVersion: this.resourceVersion() } };
    if (event === "removed") this.#stored.delete(keyOf(kept.metadata));
    else this.#stored.set(keyOf(kept.metadata), kept);
    for (const listener of this.#listeners) listener(kept, event);
    return kept;
  }
}

function keyOf({ namespace, name }: ConfigMapAddress): string {
  return `${namespace}/${name}`;
}
