const line = document.querySelector("#time");
const tell = () => { line.textContent = `It is ${new Date().toLocaleTimeString()}.`; };
tell();
setInterval(tell, 1000);
