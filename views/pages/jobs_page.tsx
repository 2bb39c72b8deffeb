/** All jobs: what is under way, what waits, what was done. */
import type { VNode } from "preact";
import type { Job } from "../../engine/mod.ts";
import { JobProgress } from "../parts/job_progress.tsx";
import { homeUrl, jobsUrl, trainingUrl } from "../urls.ts";

export const JOBS_ID = "jobs";

export function JobsPage({ jobs }: { readonly jobs: readonly Job[] }): VNode {
  return (
    <div class="page jobs-page">
      <h1>Jobs</h1>
      <p class="lead">
        Long work is done batch by batch behind whatever people are waiting for. It survives a restart, and can be
        paused. Sparse autoencoders are trained <a href={trainingUrl()}>on a page of their own</a>.
      </p>
      <JobsContent jobs={jobs} />
    </div>
  );
}

/** The part that looks again by itself. */
export function JobsContent({ jobs }: { readonly jobs: readonly Job[] }): VNode {
  const underWay = jobs.find(({ state }) => state === "running" || state === "queued");
  return (
    <div id={JOBS_ID} class="component">
      {jobs.length === 0
        ? (
          <p class="card empty-state">
            Nothing yet. <a href={homeUrl()}>The models</a> can be swept over their texts.
          </p>
        )
        : jobs.map((job) => (
          <JobProgress job={job} href={jobsUrl()} targetId={JOBS_ID} looksAgain={job.id === underWay?.id} />
        ))}
    </div>
  );
}
