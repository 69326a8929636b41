// Swagger UI, drawn from the description of the service. "Try it out" asks the service itself.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#documentation", defaultModelsExpandDepth: 0 });
