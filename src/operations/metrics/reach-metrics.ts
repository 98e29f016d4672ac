import { Gauge, type Registry } from "prom-client";

/**
 * Tells whether the ledger, and the service that the process lives by, can be used now: 0 from the first call that is not
 * answered, so that whoever reads it has a patience of their own.
 */
export function createReachMetrics(registry: Registry, read: () => Promise<ReadonlyMap<string, boolean>>): void {
  const gauge = new Gauge({
    name: "eks_access_service_up",
    help: "Whether the ledger, and the service that the process lives by, can be used now",
    labelNames: ["service"],
    registers: [registry],
    collect: async () => {
      for (const [service, answers] of await read()) gauge.set({ service }, Number(answers));
    },
  });
}
