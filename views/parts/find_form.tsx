/** From a text or a phrase to the components that matter to it. */
import type { VNode } from "preact";
import { MAX_SEARCH_TEXT } from "../search_view.ts";
import { searchUrl } from "../urls.ts";
import { SEARCH_FIELD } from "./search_form.tsx";

export function FindForm(): VNode {
  return (
    <form
      class="find-form"
      method="get"
      action={searchUrl()}
      role="search"
      aria-label="Find components"
      autocomplete="off"
    >
      <label for="find-q">Find components</label>
      <input
        id="find-q"
        type="search"
        name="q"
        maxLength={MAX_SEARCH_TEXT}
        placeholder="a text, or a phrase"
        required
        spellcheck={false}
      />
      <label>
        <span class="visually-hidden">How to look</span>
        <select name="in">
          <option value="firing">firing on it</option>
          <option value="text">strongest at it</option>
        </select>
      </label>
      <input type="hidden" name={SEARCH_FIELD} value="on" />
      <button type="submit" class="small">Find</button>
    </form>
  );
}
