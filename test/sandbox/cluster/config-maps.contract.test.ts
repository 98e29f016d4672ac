import type { V1ConfigMap } from "@kubernetes/client-node";
import { Agent, request } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectCluster } from "../../../src/kubernetes/cluster-client.ts";
import { aClusterWithPeople, type Clients, type ClusterWithPeople, statusOf } from "./clients.ts";
import { implementations } from "./implementations.ts";

// Copies: Kubernetes docs, "Kubernetes API Concepts" (resource versions, dry-run) and "Server-Side Apply" (field management);
// kubernetes, apimachinery api/errors, apiserver registry/generic and pkg/apis/core/validation for the words of the refusals.

describe.each(implementations)("%s", (_name, start) => {
  let people: ClusterWithPeople;
  let core: Clients["core"];
  const at = { name: "aws-auth", namespace: "kube-system" };

  beforeAll(async () => {
    people = await aClusterWithPeople({}, start);
    core = (await people.as(people.creator)).core;
  });
  beforeEach(async () => {
    await people.cluster.deleteAwsAuth();
    await people.cluster.editAwsAuth(() => ({ metadata: {}, data: { mapRoles: "[]" } }), "vpc-resource-controller");
  });
  afterAll(() => people.stop());

  /** Kubernetes docs, "Receiving resources as Tables". */
  const asTable = async (path: string): Promise<unknown> => {
    const { endpoint, certificateAuthority } = people.cluster;
    const headers = {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
      authorization: `Bearer ${await people.tokenOf(people.creator)}`,
    };
    const agent = new Agent({ connect: { ca: [Buffer.from(certificateAuthority, "base64").toString("utf8")] } });
    const { body } = await request(`${endpoint}/api/v1/namespaces/${path}`, { headers, dispatcher: agent });
    return body.json().finally(() => agent.close());
  };
  const read = () => core.readNamespacedConfigMap(at);
  const replace = (body: V1ConfigMap, more: object = {}) => core.replaceNamespacedConfigMap({ ...at, body, ...more });

  describe("reading", () => {
    it("gives the ConfigMap with the fields that the server fills in", async () => {
      const configMap = await read();

      expect(configMap).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { mapRoles: "[]" }, metadata: at });
      expect(configMap.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(configMap.metadata?.resourceVersion).toMatch(/^\d+$/);
      expect(configMap.metadata?.creationTimestamp).toBeInstanceOf(Date);
    });

    it("says what it did not find", async () => {
      const status = await statusOf(core.readNamespacedConfigMap({ ...at, name: "nothing" }));

      expect(status).toMatchObject({
        code: 404,
        reason: "NotFound",
        message: 'configmaps "nothing" not found',
        details: { name: "nothing", kind: "configmaps" },
      });
    });

    it("as a table, gives its version alone", async () => {
      const { metadata } = await read();

      const table = await asTable("kube-system/configmaps/aws-auth?includeObject=None");

      expect(table).toMatchObject({
        ...{ kind: "Table", apiVersion: "meta.k8s.io/v1", metadata: { resourceVersion: metadata?.resourceVersion } },
        ...{ rows: [{ cells: expect.arrayContaining(["aws-auth"]) }] },
      });
      expect(JSON.stringify(table)).not.toContain("mapRoles");
      expect(await asTable("kube-system/configmaps/nothing")).toMatchObject({ kind: "Status", code: 404 });
    });

    it("gives the product a large one as it is now, whoever changed it since", async () => {
      const large = (word: string) => ({ metadata: {}, data: { mapRoles: `[] # ${word.repeat(10_000)}` } });
      const { name, endpoint, certificateAuthority } = people.cluster;
      const client = connectCluster({
        name,
        endpoint,
        certificateAuthority,
        token: await people.tokenOf(people.creator),
      });
      const now = async () => (await client.readAwsAuth())?.data.mapRoles?.slice(5, 10);
      await people.cluster.editAwsAuth(() => large("one"));

      const found = [await now(), await now()];
      await people.cluster.editAwsAuth(() => large("two"));
      found.push(await now());
      const before = (await client.readAwsAuth()) ?? expect.unreachable("it is there");
      const written = await client.writeAwsAuth(before, { ...before, data: large("ours").data });
      found.push(await now());
      const again = await client.readAwsAuth();
      await people.cluster.deleteAwsAuth();
      found.push(await now());
      await people.cluster.editAwsAuth(() => large("ours"));
      const made = await client.readAwsAuth();
      client.close();

      expect(found).toEqual(["oneon", "oneon", "twotw", "ourso", undefined]);
      expect(again).toEqual(written);
      expect(made?.data).toEqual(written.data);
      expect(made?.object.metadata?.uid).not.toBe(written.object.metadata?.uid);
    });

    it("lists a namespace", async () => {
      const { items } = await core.listNamespacedConfigMap({ namespace: "kube-system" });
      const elsewhere = await core.listNamespacedConfigMap({ namespace: "default" });

      expect(items.map(({ metadata }) => metadata?.name)).toContain("aws-auth");
      expect(elsewhere.items.map(({ metadata }) => metadata?.name)).not.toContain("aws-auth");
    });
  });

  describe("replacing", () => {
    it("keeps uid and creation, and counts the version up", async () => {
      const before = await read();

      const after = await replace({ ...before, data: { mapRoles: "- {}" } });

      expect(after.metadata).toMatchObject({
        uid: before.metadata?.uid,
        creationTimestamp: before.metadata?.creationTimestamp,
      });
      expect(Number(after.metadata?.resourceVersion)).toBeGreaterThan(Number(before.metadata?.resourceVersion));
      expect(await read()).toEqual(after);
    });

    it("is a conflict with an old version", async () => {
      const before = await read();
      await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapUsers: "[]" } }));

      const status = await statusOf(replace(before));

      expect(status).toMatchObject({
        code: 409,
        reason: "Conflict",
        message:
          'Operation cannot be fulfilled on configmaps "aws-auth": the object has been modified; please apply your changes to the latest version and try again',
      });
      expect(people.cluster.awsAuth()?.data).toEqual({ mapUsers: "[]" });
    });

    it("is a conflict with another uid: the ConfigMap was deleted and made again", async () => {
      const before = await read();
      await people.cluster.deleteAwsAuth();
      await people.cluster.editAwsAuth(() => ({ metadata: {}, data: {} }));

      const status = await statusOf(replace(before));

      expect(status).toMatchObject({
        code: 409,
        reason: "Conflict",
        message: expect.stringContaining("Precondition failed: UID in precondition"),
      });
    });

    it("is accepted without a version, whatever happened meanwhile", async () => {
      await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapUsers: "[]" } }));

      const after = await replace({ apiVersion: "v1", kind: "ConfigMap", metadata: at, data: { mine: "x" } });

      expect(after.data).toEqual({ mine: "x" });
    });

    it("leaves the version alone where nothing changes", async () => {
      const before = await read();

      const after = await replace(before, { fieldManager: "somebody-else" });

      expect(after).toEqual(before);
    });

    it("has no effect as a dry run, and is checked all the same", async () => {
      const before = await read();

      const rehearsed = await replace({ ...before, data: { mapRoles: "- {}" } }, { dryRun: "All" });
      const stale = await statusOf(
        replace({ ...before, metadata: { ...before.metadata, resourceVersion: "1" } }, { dryRun: "All" }),
      );

      expect(rehearsed.data).toEqual({ mapRoles: "- {}" });
      expect(rehearsed.metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
      expect(stale.code).toBe(409);
      expect(await read()).toEqual(before);
    });

    it("does not know any other way to run dry", async () => {
      const status = await statusOf(replace(await read(), { dryRun: "Some" }));

      expect(status).toMatchObject({ code: 422, reason: "Invalid" });
    });

    it.each([
      ["no name", {}, 400, "the name of the object (aws-auth based on URL) was undeterminable: name must be provided"],
      ["a name that is not the URL's", { name: "x" }, 400, "(x) does not match the name on the URL (aws-auth)"],
      [
        "a namespace that is not the URL's",
        { ...at, namespace: "x" },
        400,
        "the namespace of the object (x) does not match",
      ],
      [
        "more than 256 KiB of annotations",
        { ...at, annotations: { a: "x".repeat(256 * 1024) } },
        422,
        "metadata.annotations: Too long",
      ],
    ])("is refused with %s", async (_what, metadata, code, message) => {
      const status = await statusOf(replace({ metadata, data: {} }));

      expect(status.code).toBe(code);
      expect(status.message).toContain(message);
    });

    it.each([
      ["another kind", { kind: "Secret" }, 400, 'Secret in version "v1" cannot be handled as a ConfigMap'],
      [
        "a value that is no text",
        { data: { mapRoles: 5 } },
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap',
      ],
      ["a key with a slash", { data: { "a/b": "" } }, 422, "a valid config key must consist of"],
      [
        "a key in data and in binaryData",
        { data: { mapUsers: "[]" }, binaryData: { mapUsers: "W10=" } },
        422,
        'data[mapUsers]: Invalid value: "mapUsers": duplicate of key present in binaryData',
      ],
      [
        "more than 1 MiB",
        { data: { mapRoles: "x".repeat(1024 * 1024 + 1) } },
        422,
        'ConfigMap "aws-auth" is invalid: []: Too long',
      ],
    ])("is refused with %s", async (_what, change, code, message) => {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: at, ...change };

      const status = await statusOf(replace(body as V1ConfigMap));

      expect(status.code).toBe(code);
      expect(status.message).toContain(message);
    });

    it("is refused for the data of an immutable ConfigMap, not for its annotations", async () => {
      const immutable = await replace({ ...(await read()), immutable: true });

      const data = await statusOf(replace({ ...immutable, data: {} }));
      const flag = await statusOf(replace({ ...immutable, immutable: false }));
      const annotated = await replace({ ...immutable, metadata: { ...immutable.metadata, annotations: { a: "b" } } });

      expect(data).toMatchObject({
        code: 422,
        message: 'ConfigMap "aws-auth" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      });
      expect(flag.message).toContain("immutable: Forbidden");
      expect(annotated.metadata?.annotations).toEqual({ a: "b" });
    });
  });

  describe("a mutating webhook", () => {
    afterEach(() => people.cluster.admit(null));

    it("changes each update, also one without a change, and no dry run", async () => {
      await people.cluster.admit((data) => ({ ...data, mapUsers: "[]" }));
      const before = await read();

      const rehearsed = await replace(before, { dryRun: "All" });
      const stored = await replace(before);

      expect(rehearsed.data).toEqual({ mapRoles: "[]" });
      expect(stored.data).toEqual({ mapRoles: "[]", mapUsers: "[]" });
      expect(stored.metadata?.resourceVersion).not.toBe(before.metadata?.resourceVersion);
    });
  });

  describe("creating and deleting", () => {
    it("creates an absent one, once", async () => {
      await people.cluster.deleteAwsAuth();
      const body = { metadata: { name: "aws-auth" }, data: { mapRoles: "[]" } };

      const made = await core.createNamespacedConfigMap({ namespace: "kube-system", body });
      const again = await statusOf(core.createNamespacedConfigMap({ namespace: "kube-system", body }));

      expect(made.metadata?.namespace).toBe("kube-system");
      expect(again).toMatchObject({
        code: 409,
        reason: "AlreadyExists",
        message: 'configmaps "aws-auth" already exists',
      });
    });

    it("keeps what is deleted until its finalizers are gone, takes changes until then, and no finalizers more", async () => {
      const before = await read();
      const keep = { ...before.metadata, finalizers: ["example.com/keep"] };
      await replace({ ...before, metadata: keep });

      await core.deleteNamespacedConfigMap(at);
      const going = await read();
      await core.deleteNamespacedConfigMap(at);
      const changed = await replace({ ...going, data: { mapRoles: "- {}" } });
      const more = { ...changed.metadata, finalizers: ["example.com/keep", "example.com/more"] };
      const refused = await statusOf(replace({ ...changed, metadata: more }));
      await replace({ ...changed, metadata: { ...changed.metadata, finalizers: [] } });

      expect(going.metadata).toMatchObject({ finalizers: ["example.com/keep"], deletionGracePeriodSeconds: 0 });
      expect(going.metadata?.deletionTimestamp).toBeInstanceOf(Date);
      expect(changed).toMatchObject({ data: { mapRoles: "- {}" }, metadata: { uid: before.metadata?.uid } });
      expect(refused).toMatchObject({ code: 422, reason: "Invalid" });
      expect(refused.message).toContain("no new finalizers can be added if the object is being deleted");
      expect((await statusOf(read())).code).toBe(404);
    });

    it("deletes only what the preconditions name", async () => {
      const wrong = await statusOf(
        core.deleteNamespacedConfigMap({ ...at, body: { preconditions: { resourceVersion: "1" } } }),
      );
      await core.deleteNamespacedConfigMap(at);

      expect(wrong).toMatchObject({
        code: 409,
        message: expect.stringContaining("the ResourceVersion in the precondition (1) does not match"),
      });
      expect(people.cluster.awsAuth()).toBeNull();
    });

    it("does not create by replacing: 404, or 409 where the body has the uid of what was there", async () => {
      const body = await read();
      await people.cluster.deleteAwsAuth();

      const withUid = await statusOf(replace(body));
      const without = await statusOf(replace({ metadata: at, data: {} }));

      expect(withUid).toMatchObject({ code: 409, message: expect.stringContaining("UID in object meta: ") });
      expect(without).toMatchObject({ code: 404, reason: "NotFound" });
    });

    it.each([
      [
        "without a name",
        {},
        422,
        'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
      ],
      [
        "with a version",
        { name: "new", resourceVersion: "1" },
        500,
        "resourceVersion should not be set on objects to be created",
      ],
    ])("does not create %s", async (_what, metadata, code, message) => {
      const status = await statusOf(core.createNamespacedConfigMap({ namespace: "kube-system", body: { metadata } }));

      expect(status).toMatchObject({ code, message });
    });
  });

  describe("managedFields", () => {
    const owners = async () => {
      const { metadata } = await read();
      const entries = metadata?.managedFields ?? [];
      return Object.fromEntries(
        entries.map(({ manager, operation, fieldsV1 }) => [`${manager} ${operation}`, fieldsV1]),
      );
    };

    it("names who changed a value last, and leaves the others what they did not lose", async () => {
      const before = await read();
      const data = { ...before.data, mapUsers: "[]" };
      const metadata = { ...before.metadata, annotations: { note: "x" } };
      await replace({ ...before, data, metadata }, { fieldManager: "eks-access" });

      expect(await owners()).toEqual({
        "vpc-resource-controller Update": { "f:data": { ".": {}, "f:mapRoles": {} } },
        "eks-access Update": {
          "f:data": { "f:mapUsers": {} },
          "f:metadata": { "f:annotations": { ".": {}, "f:note": {} } },
        },
      });
    });

    it("takes a field from its owner when another manager changes the value", async () => {
      await replace({ ...(await read()), data: { mapRoles: "- {}" } }, { fieldManager: "eks-access" });
      await people.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: "" } }), "Terraform");

      expect(await owners()).toEqual({
        "vpc-resource-controller Update": { "f:data": {} },
        "Terraform Update": { "f:data": { "f:mapRoles": {} } },
      });
    });

    it("leaves a field with its owner when only a webhook changes the value: what was sent counts", async () => {
      await people.cluster.admit((data) => ({ ...data, mapRoles: `${data.mapRoles} # admitted` }));

      await replace({ ...(await read()), data: { mapRoles: "[]", mapUsers: "[]" } }, { fieldManager: "eks-access" });
      await people.cluster.admit(null);

      expect((await read()).data).toEqual({ mapRoles: "[] # admitted", mapUsers: "[]" });
      expect(await owners()).toEqual({
        "vpc-resource-controller Update": { "f:data": { ".": {}, "f:mapRoles": {} } },
        "eks-access Update": { "f:data": { "f:mapUsers": {} } },
      });
    });

    it("takes the first word of the user agent if a request names no manager", async () => {
      await replace({ ...(await read()), data: { mapRoles: "- {}" } });

      expect(Object.keys(await owners())).toHaveLength(2);
      expect(Object.keys(await owners())).not.toContain("unknown Update");
    });
  });

  describe("those who watch the sandbox", () => {
    it("get each write to aws-auth and nothing else", async () => {
      const seen: (string | undefined)[] = [];
      const stop = people.cluster.onChange((configMap) => seen.push(configMap?.data?.mapRoles));

      await replace({ ...(await read()), data: { mapRoles: "rehearsed" } }, { dryRun: "All" });
      await replace({ ...(await read()), data: { mapRoles: "written" } });
      await core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: "other" } } });
      await people.cluster.deleteAwsAuth();
      stop();
      await people.cluster.editAwsAuth(() => ({ metadata: {}, data: {} }));

      expect(seen).toEqual(["written", undefined]);
    });
  });
});
