/** What was changed in the model for a run, each change with its way back. */
import type { VNode } from "preact";
import type { ShownRun } from "../props.ts";
import { ChangeButton } from "./change_button.tsx";

export function ChangesCard({ changes, trace }: Pick<ShownRun, "changes" | "trace">): VNode | null {
  if (changes.length === 0 && trace === null) return null;
  return (
    <section class="card changes-card" aria-labelledby="changes-title">
      <h2 id="changes-title">Changed for this answer</h2>
      <ul class="change-list">
        {changes.map((change, index) => (
          <li>
            <code>{change}</code> <ChangeButton change={`undo ${index}`}>Undo</ChangeButton>
          </li>
        ))}
        {trace === null ? null : (
          <li>
            traced: <code>{trace}</code> <ChangeButton change="untrace">Back to the objective</ChangeButton>
          </li>
        )}
      </ul>
    </section>
  );
}
