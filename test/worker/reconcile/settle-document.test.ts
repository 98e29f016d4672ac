import { expect, test } from "vitest";
import type { AwsAuthConfigMap } from "../../../src/kubernetes/config-map.ts";
import { readClusterState, takesNothingNew } from "../../../src/worker/reconcile/settle-document.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { keys } from "../../builders/keys.ts";

const creatorArn = "arn:aws:iam::111122223333:role/cluster-creator";
const arn = "arn:aws:iam::111122223333:role/dev";
const configMap: AwsAuthConfigMap = {
  data: { mapRoles: `- rolearn: ${arn}\n  username: dev\n` },
  annotations: {},
  resourceVersion: "1",
  immutable: false,
  deletion: null,
  managers: [],
  object: {},
};

const read = (found: AwsAuthConfigMap | null, createAwsAuth = false) =>
  readClusterState(
    { client: { readAwsAuth: async () => found }, creatorArn, tags: {} },
    aCluster({ createAwsAuth }),
    keys,
    [],
    new Date(),
  );

test("a document that is there is read, and who created the cluster is kept in mind", async () => {
  const state = await read(configMap);

  expect(state).toMatchObject({ configMap, creatorArn, untrusted: null });
  expect(state.document.entries.map((entry) => entry.arn)).toEqual([arn]);
});

test("an immutable document is read, and takes nothing new", async () => {
  const state = await read({ ...configMap, immutable: true });

  expect(takesNothingNew(aCluster(), state)).toMatchObject({
    code: "document-immutable",
    message: expect.stringMatching(
      /aws-auth of staging is immutable\. Save it without immutable.*kubectl replace --force/,
    ),
  });
});

test("an absent document is refused where the cluster's configuration does not say that it may be made", async () => {
  await expect(read(null)).rejects.toMatchObject({
    code: "document-absent",
    message: expect.stringContaining("aws-auth of staging does not exist"),
  });
});

test("an absent document that may be made is an empty one", async () => {
  const state = await read(null, true);

  expect(state).toMatchObject({ configMap: null, document: { entries: [], blocking: [] } });
});
