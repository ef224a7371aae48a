// Shows the API's description with Swagger UI; both are served from here.

/** @type {any} */
const swagger = window;

swagger.SwaggerUIBundle({
  url: document.body.dataset.openapi,
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
});
