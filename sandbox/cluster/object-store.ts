import { type ObjectAddress, type ObjectKind, type Sent, type Stored, timestamp } from "./object-kind.ts";
import {
  type Admission,
  addressProblem,
  type DeleteOptions,
  deleteProblem,
  finalizersAfter,
  newObject,
  replaced,
  type WriteOptions,
} from "./object-write.ts";
import { alreadyExists, isStatus, notFound, type Status } from "./status.ts";

type Listener<Content> = (object: Stored<Content>, event: "written" | "removed") => void;

/** Counts the writes of a cluster: an object of any kind gets the next number. */
export class ResourceVersions {
  #last = 1000;

  next(): string {
    this.#last += 1;
    return this.last();
  }

  last(): string {
    return String(this.#last);
  }
}

export class ObjectStore<Content extends object> {
  readonly kind: ObjectKind<Content>;
  readonly versions: ResourceVersions;
  /** Null: no webhook changes an update. None sees a dry run. */
  admission: Admission<Content> | null = null;
  readonly #now: () => Date;
  readonly #stored = new Map<string, Stored<Content>>();
  readonly #listeners = new Set<Listener<Content>>();

  constructor(kind: ObjectKind<Content>, now: () => Date, versions = new ResourceVersions()) {
    this.kind = kind;
    this.#now = now;
    this.versions = versions;
  }

  get(at: ObjectAddress): Stored<Content> | undefined {
    return this.#stored.get(keyOf(at));
  }

  list(namespace?: string): Stored<Content>[] {
    return [...this.#stored.values()].filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
  }

  create(namespace: string | undefined, sent: Sent<Content>, options: WriteOptions<Content>): Stored<Content> | Status {
    const made = newObject(this.kind, namespace, sent, options, this.#now());
    if (isStatus(made)) return made;
    if (this.get(made.metadata)) return alreadyExists(this.kind, made.metadata.name);
    return options.dryRun ? made : this.#keep(made, "written");
  }

  replace(at: ObjectAddress, sent: Sent<Content>, options: WriteOptions<Content>): Stored<Content> | Status {
    const before = this.get(at);
    const mismatch = addressProblem(this.kind, at, sent, before?.metadata.uid ?? "");
    if (mismatch) return mismatch;
    if (!before) {
      return this.kind.createsOnUpdate ? this.create(at.namespace, sent, options) : notFound(this.kind, at.name);
    }
    const after = replaced(this.kind, before, sent, options, this.#now(), options.dryRun ? null : this.admission);
    // A write without a change keeps the version (kubernetes, etcd3 store, GuaranteedUpdate).
    if (isStatus(after) || options.dryRun || after === before) return after;
    const { deletionTimestamp, finalizers } = after.metadata;
    return this.#keep(after, deletionTimestamp && !finalizers ? "removed" : "written");
  }

  remove(at: ObjectAddress, options: DeleteOptions = {}, dryRun = false): Stored<Content> | Status {
    const before = this.get(at);
    if (!before) return notFound(this.kind, at.name);
    const problem = deleteProblem(this.kind, before, options.preconditions ?? {});
    if (problem) return problem;
    const { finalizers: _finalizers, ...rest } = before.metadata;
    const finalizers = finalizersAfter(before, options);
    if (finalizers.length === 0) {
      const last = { ...before, metadata: rest };
      return dryRun ? last : this.#keep(last, "removed");
    }
    if (dryRun || rest.deletionTimestamp) return before;
    const metadata = { ...rest, finalizers, deletionTimestamp: timestamp(this.#now()), deletionGracePeriodSeconds: 0 };
    return this.#keep({ ...before, metadata }, "written");
  }

  /** What it holds now; the result puts it back, and calls no listener. */
  keep(): () => void {
    const kept = [...this.#stored];
    const { admission } = this;
    return () => {
      this.admission = admission;
      this.#stored.clear();
      for (const [key, object] of kept) this.#stored.set(key, object);
      this.versions.next();
    };
  }

  /** Calls the listener after each write, with the object, until the returned function is called. */
  onChange(listener: Listener<Content>): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #keep(object: Stored<Content>, event: "written" | "removed"): Stored<Content> {
    const kept = { ...object, metadata: { ...object.metadata, resourceVersion: this.versions.next() } };
    if (event === "removed") this.#stored.delete(keyOf(kept.metadata));
    else this.#stored.set(keyOf(kept.metadata), kept);
    for (const listener of this.#listeners) listener(kept, event);
    return kept;
  }
}

function keyOf({ namespace = "", name }: ObjectAddress): string {
  return `${namespace}/${name}`;
}
