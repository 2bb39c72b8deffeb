/** How related components are compared: every number of the card with its formula. */
import type { VNode } from "preact";
import { RELATED_HELP_ID } from "../urls.ts";

const MEASURES: readonly (readonly [name: string, formula: string, meaning: string])[] = [
  [
    "Write alike",
    "cos(W_out[i], W_out[j])",
    "Two neurons push the residual stream the same way (+) or opposite ways (−).",
  ],
  ["Read alike", "cos(W_in[i], W_in[j])", "Two neurons answer to the same direction."],
  [
    "Move alike",
    "⟨A, B⟩ / (‖A‖ ‖B‖), A and B = W_V W_O",
    "Two heads do the same to what they read: their OV circuits.",
  ],
  ["Look alike", "⟨A, B⟩ / (‖A‖ ‖B‖), A and B = W_Q W_Kᵀ", "Two heads look for the same: their QK circuits."],
  [
    "Near in a dictionary",
    "cos(W_dec[i], W_dec[j]), cos(W_enc[i], W_enc[j])",
    "Two latents write, or read, the same direction. Rows as their files have them: nothing is folded in.",
  ],
  [
    "Q-composition",
    "‖A W_Q W_Kᵀ‖ / (‖A‖ ‖W_Q W_Kᵀ‖)",
    "What the earlier one writes steers where the later head looks from.",
  ],
  ["K-composition", "‖A W_K W_Qᵀ‖ / (‖A‖ ‖W_K W_Qᵀ‖)", "What the earlier one writes steers what the later head finds."],
  ["V-composition", "‖A W_V W_O‖ / (‖A‖ ‖W_V W_O‖)", "The later head moves on what the earlier one writes."],
  ["composition", "‖A W_in[j]‖ / (‖A‖ ‖W_in[j]‖)", "A neuron reads what a head writes."],
  ["cosine", "⟨W_out[i], W_in[j]⟩ / (‖W_out[i]‖ ‖W_in[j]‖)", "A neuron is driven (+) or held back (−) by another one."],
];

export function RelatedHelp(): VNode {
  return (
    <section class="card related-help" aria-labelledby={RELATED_HELP_ID}>
      <h2 id={RELATED_HELP_ID}>Related components</h2>
      <p>
        By weights, components are compared as they act between the norms. What a norm does to a direction belongs to
        the weights that read it: its gain is multiplied in, and the mean that it centres away is taken from the weights
        that read and from those that write. Its scale depends on the text and is left out, and so are all biases and
        whatever attention or the GELU make of it. Norms of matrices are Frobenius norms. A is what the earlier
        component writes:{" "}
        W_V W_O of a head, W_out[i] of a neuron. The compositions of heads are those of Elhage et al. 2021 (“A
        Mathematical Framework for Transformer Circuits”).
      </p>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Scores and their formulas">
        <table>
          <caption class="visually-hidden">Scores by weights and their formulas</caption>
          <thead>
            <tr>
              <th scope="col">Score</th>
              <th scope="col">Formula</th>
              <th scope="col">Large where</th>
            </tr>
          </thead>
          <tbody>
            {MEASURES.map(([name, formula, meaning]) => (
              <tr>
                <th scope="row">{name}</th>
                <td>
                  <code>{formula}</code>
                </td>
                <td>{meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        Weights turned at random against each other score 1/√(d − 1) in the root mean square, with d the width of the
        residual stream; the cosines of two heads score 1/(d − 1), those of latents 1/√d. A composition says what
        weights could pass on, not that they do on some text: edges and ablations of an answer say that.
      </p>
      <p>
        By activity, a sweep has kept the largest value of every component on 64 random texts and the 20 texts where it
        is strongest. The correlation is Pearson’s, over the largest values on the random texts. Two components share
        the texts that are among the strongest of both; Jaccard is their number over that of the texts among the
        strongest of either. A latent’s strongest texts are only those on which it is active at all.
      </p>
    </section>
  );
}
