export interface ManagedFields {
  manager: string;
  operation: "Update";
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: object;
}

type OwnedParts = object & {
  metadata: { annotations?: Readonly<Record<string, string>>; labels?: Readonly<Record<string, string>> };
};

export interface Writing {
  manager: string;
  apiVersion: string;
  now: Date;
}

type FieldTree = { [field: string]: FieldTree };

/** The manager of a change takes the field; a removed field has no owner (structured-merge-diff). */
export function ownFields(
  before: { owners: readonly ManagedFields[]; object: OwnedParts | undefined },
  after: OwnedParts,
  { manager, apiVersion, now }: Writing,
): ManagedFields[] {
  const entry = (owner: string, time: string, paths: readonly string[]): ManagedFields => ({
    ...{ manager: owner, operation: "Update", apiVersion, time, fieldsType: "FieldsV1", fieldsV1: treeOf(paths) },
  });
  const old = leaves(before.object);
  const present = leaves(after);
  const changed = new Set([...present.keys()].filter((path) => old.get(path) !== present.get(path)));
  const owned = new Map(before.owners.map((owner) => [owner.manager, { owner, paths: pathsOf(owner.fieldsV1) }]));
  const others = [...owned.values()].filter(({ owner }) => owner.manager !== manager);
  const kept = others.map(({ owner, paths }) => {
    const left = paths.filter((path) => present.has(path) && !changed.has(path));
    return entry(owner.manager, owner.time, left);
  });
  const mine = owned.get(manager);
  const paths = [...new Set([...(mine?.paths ?? []), ...changed])].filter((path) => present.has(path));
  // A removal does not count as the manager's last operation.
  const time = changed.size > 0 ? now.toISOString().replace(/\.\d{3}Z$/, "Z") : (mine?.owner.time ?? "");
  return [...kept, entry(manager, time, paths)]
    .filter(({ fieldsV1 }) => Object.keys(fieldsV1).length > 0)
    .sort(byTimeThenManager);
}

/** A real API server's order (apimachinery, fieldmanager, sortEncodedManagedFields). */
function byTimeThenManager(a: ManagedFields, b: ManagedFields): number {
  const [x, y] = a.time === b.time ? [a.manager, b.manager] : [a.time, b.time];
  return x < y ? -1 : 1;
}

/** All other fields of the content have one owner each, such as subjects and roleRef of a binding. */
const maps = new Set(["data", "binaryData"]);

/** Every owned field, as a JSON array of its steps, with its value. A map is a field too, besides its keys. */
function leaves(object: OwnedParts | undefined): Map<string, string> {
  const found = new Map<string, string>();
  const add = (path: string[], map: object | undefined) => {
    if (map === undefined) return;
    found.set(JSON.stringify(path), "");
    for (const [key, value] of Object.entries(map)) found.set(JSON.stringify([...path, `f:${key}`]), String(value));
  };
  const { metadata, ...rest } = object ?? { metadata: {} };
  for (const [field, value] of Object.entries<object | undefined>(rest)) {
    if (maps.has(field)) add([`f:${field}`], value);
    else if (!["apiVersion", "kind"].includes(field)) found.set(JSON.stringify([`f:${field}`]), JSON.stringify(value));
  }
  add(["f:metadata", "f:annotations"], metadata.annotations);
  add(["f:metadata", "f:labels"], metadata.labels);
  return found;
}

/** FieldsV1: an owned field with owned children has a `.`, one without is an empty object. */
function treeOf(paths: readonly string[]): FieldTree {
  const root: FieldTree = {};
  for (const path of paths) {
    let node = root;
    for (const step of JSON.parse(path) as string[]) {
      node[step] ??= {};
      node = node[step];
    }
    node["."] = {};
  }
  return withoutLoneDots(root);
}

function withoutLoneDots(tree: FieldTree): FieldTree {
  const fields = Object.entries(tree);
  if (fields.length === 1 && tree["."]) return {};
  return Object.fromEntries(fields.map(([step, below]) => [step, withoutLoneDots(below)]));
}

function pathsOf(tree: object, above: readonly string[] = []): string[] {
  return Object.entries(tree as FieldTree).flatMap(([step, below]) => {
    if (step === ".") return [JSON.stringify(above)];
    const path = [...above, step];
    return Object.keys(below).length === 0 ? [JSON.stringify(path)] : pathsOf(below, path);
  });
}
