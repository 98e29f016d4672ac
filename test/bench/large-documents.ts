import { readHolder } from "../../src/access/principal.ts";
import { summarize } from "../../src/diagnosis/problems.ts";
import type { ClusterClient } from "../../src/kubernetes/cluster-client.ts";
import { inTurns } from "../../src/operations/parallel.ts";
import { preformatted, revealed } from "../../src/slack/show/mrkdwn.ts";
import { readLiveDocument } from "../../src/worker/questions/look-at-cluster.ts";
import { previewInDocument } from "../../src/worker/reconcile/document-way.ts";
import { noOtherNames } from "../../src/worker/reconcile/entry-state.ts";
import { readClusterState } from "../../src/worker/reconcile/settle-document.ts";
import { costly, excessive, honest } from "../aws-auth/hostile-documents.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aRequest } from "../builders/a-request.ts";
import { keys } from "../builders/keys.ts";
import { startScriptedServer } from "../kubernetes/api-server.ts";
import type { Figure } from "./figure.ts";
import { blockFigure, longestBlock, longestOf } from "./longest-block.ts";

const cluster = aCluster();
const [level] = cluster.levels;
const reading = readHolder("arn:aws:iam::111122223333:role/newcomer");

/** What a worker does with an `aws-auth` that others fill. */
const looks: Readonly<Record<string, (client: ClusterClient) => Promise<unknown>>> = {
  "the plan of a grant and its difference": async (client) => {
    if (!level || reading.type === "invalid") throw new Error("there is nothing to ask for");
    const state = await readClusterState({ client, creatorArn: null, tags: {} }, cluster, keys, [], new Date());
    const { principal } = reading;
    const request = aRequest({ principal: principal.arn, level: level.name, groups: level.groups });
    return inTurns(
      previewInDocument(cluster, keys.memory, state, {
        request,
        level,
        principal,
        beginning: [],
        others: noOtherNames,
      }),
    );
  },
  check: async (client) => {
    const live = await readLiveDocument(client, cluster, keys.memory);
    return live && summarize(live.document, live.managers);
  },
};

/** How long documents of 1 MiB block the event loop. Each comes with a new version, so that nothing of it is remembered. */
export async function measureLargeDocuments(times: number): Promise<readonly Figure[]> {
  const server = await startScriptedServer();
  const client = server.connect({ timeoutMs: 10_000 });
  const documents = Object.values({ honest, ...excessive, ...costly }).map((text) =>
    JSON.stringify({ mapRoles: text() }),
  );
  const figures: Figure[] = [];
  let version = 0;
  try {
    for (const [name, look] of Object.entries(looks)) {
      const longest = await longestOf(documents, times, async (data) => {
        version += 1;
        const body = `{"metadata":{"resourceVersion":"${version}","uid":"u"},"data":${data}}`;
        server.answer = () => ({ status: 200, body });
        await look(client);
      });
      figures.push(blockFigure(`aws-auth of 1 MiB, ${name}`, longest));
    }
    const hidden = `+${"\u200b".repeat(20_000)}`;
    const details = await longestBlock(times, async () => preformatted(revealed(hidden), 1_700));
    return [...figures, blockFigure("the difference in Details", details)];
  } finally {
    client.close();
    await server.stop();
  }
}
