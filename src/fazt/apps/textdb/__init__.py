"""JSON documents over HTTP: `POST /db/notes` saves one, `GET /db/notes` lists them."""
