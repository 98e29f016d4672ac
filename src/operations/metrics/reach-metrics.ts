import { Gauge, type Registry } from "prom-client";

/**
 * Whether the ledger, and the service that the process depends on, work now: 0 from the first call that is not
 * answered, so that each alert sets its own delay.
 */
export function createReachMetrics(registry: Registry, read: () => Promise<ReadonlyMap<string, boolean>>): void {
  const gauge = new Gauge({
    name: "eks_access_service_up",
    help: "Whether the ledger, and the service that the process depends on, work now",
    labelNames: ["service"],
    registers: [registry],
    collect: async () => {
      for (const [service, answers] of await read()) gauge.set({ service }, Number(answers));
    },
  });
}
