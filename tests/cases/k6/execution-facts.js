import exec, { vu, scenario, instance, test } from 'k6/execution';
export const options = { scenarios: { one: { executor: 'per-vu-iterations', vus: 1, iterations: 2 } } };
export default function () {
  console.log(vu.idInTest, vu.idInInstance, vu.iterationInInstance, vu.iterationInScenario);
  console.log(scenario.name, scenario.executor, scenario.iterationInTest, scenario.progress, Math.abs(scenario.startTime - Date.now()) < 5000);
  console.log(instance.iterationsCompleted, instance.iterationsInterrupted, instance.vusActive, instance.currentTestRunDuration > 0);
  console.log(Object.keys(test.options.scenarios).join(), JSON.stringify(exec.vu.metrics.metadata), Object.keys(vu.tags).join());
}
