/* scatter.c - elbo_chart_write_scatter: scatter plots of points that callers have. */
#include "../base/engine.h"
#include "../base/mode.h"
#include "chart.h"

enum { MOST_CLASSES = 1 << 20 };

static elbo_status check(const elbo_scatter *panels, int n_panels, int64_t n_classes, elbo_error *error)
{
    if (n_panels < 1 || n_panels > CHART_PANELS)
        return err_set(error, ELBO_USAGE, "a chart has 1 to %d scatter plots, not %d", CHART_PANELS, n_panels);
    if (n_classes < 0 || n_classes > MOST_CLASSES)
        return err_set(error, ELBO_USAGE, "got %lld classes, expected 0 to %d", (long long)n_classes, MOST_CLASSES);
    for (int i = 0; i < n_panels; i++)
        if (panels[i].n < 0 || (panels[i].n > 0 && !panels[i].points))
            return err_set(error, ELBO_USAGE, "scatter plot %d has %lld points%s", i, (long long)panels[i].n,
                           panels[i].points ? "" : ", which are NULL");
    return ELBO_OK;
}

elbo_status elbo_chart_write_scatter(elbo_engine *engine, const char *path, const char *title, const elbo_scatter *panels,
                                     int n_panels, int64_t n_classes, const char *const *class_names, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (!engine || !path || !panels)
        return err_set(error, ELBO_USAGE, "a scatter plot needs an engine, a path and points; one of them is NULL");
    elbo_status status = check(panels, n_panels, n_classes, error);
    if (status != ELBO_OK) return status;
    chart c = {.title = title, .n_panels = n_panels, .class_names = class_names};
    chart_points points[CHART_PANELS];
    for (int i = 0; i < n_panels; i++) {
        const elbo_scatter *s = &panels[i];
        points[i] = (chart_points){s->points, s->labels, (size_t)s->n};
        c.panel[i] = (chart_panel){.label = s->up, .x_label = s->right, .points = &points[i]};
        if (s->labels) c.n_classes = (int)n_classes;
    }
    return chart_write(engine->m, path, &c, error);
}
