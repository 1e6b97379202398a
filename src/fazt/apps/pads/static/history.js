// The slider over a pad's history: the page's links do the same, one step at a time.

const slider = document.querySelector("[data-history]");
const part = document.getElementById("part");

if (slider) {
  const input = slider.querySelector("input");
  const seqs = input.dataset.seqs.split(" ");
  const here = new URL(slider.dataset.history, location.href);
  const shown = new URLSearchParams(location.search).get("at") ?? seqs.at(-1);
  let asked = 0;

  input.value = String(Math.max(0, seqs.indexOf(shown)));
  slider.classList.remove("unseen");

  const show = async () => {
    const number = ++asked;
    here.searchParams.set("at", seqs[Number(input.value)]);
    const answer = await fetch(here, { headers: { accept: "text/html" } });
    if (!answer.ok || number !== asked) return;
    part.innerHTML = await answer.text();
    history.replaceState(null, "", here);
  };

  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 80);
  });
}
