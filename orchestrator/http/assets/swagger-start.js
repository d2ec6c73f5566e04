// Starts Swagger UI on our document. The address is relative, so that a proxy may add a prefix;
// without a validator, which would send the document to its maker's server.
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
  displayRequestDuration: true,
});
