/* Heat maps and augmentation over the C ABI, with demonstration members and real torch: `capi_heat_map
 * MEMBERS IMAGE`. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

#define STR(text) ((consilia_str_t){(text), strlen(text)})

static int32_t count_masks(size_t masks_done, size_t masks_total, void* user_data) {
    size_t* counts = user_data;
    counts[0] = masks_done;
    counts[1] = masks_total;
    return 0;
}

static int32_t stop_at_once(size_t masks_done, size_t masks_total, void* user_data) {
    (void)masks_done;
    (void)masks_total;
    (void)user_data;
    return 1;
}

static int is_png(consilia_buffer_t png) {
    return png.size > 8 && memcmp(png.data, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static void check_refusals(consilia_engine_t* engine, const void* image, size_t size) {
    consilia_heat_map_t* map = NULL;
    consilia_error_t* error = NULL;
    consilia_heat_map_options_t options;
    CONSILIA_INIT(&options);
    options.method = 2;
    EXPECT("method", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "heat_map.method");
    CONSILIA_INIT(&options);
    options.window = 81;
    EXPECT("window", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "heat_map.window");
    CONSILIA_INIT(&options);
    options.stride = -1;
    EXPECT("stride", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "heat_map.stride");
    CONSILIA_INIT(&options);
    options.masks = 100001;
    EXPECT("masks", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "heat_map.masks");
    CONSILIA_INIT(&options);
    options.class_name = STR("Measles");
    EXPECT("class", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "heat_map.class_name");
    CONSILIA_INIT(&options);
    options.member_id = STR("none");
    EXPECT("member", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "heat_map.member_id");
    CONSILIA_INIT(&options);
    options.progress = stop_at_once;
    EXPECT("stopped", consilia_engine_explain(engine, image, size, &options, &map, &error),
           CONSILIA_CANCELLED, "run.cancelled");
    EXPECT("no image", consilia_engine_explain(engine, "no image", 8, NULL, &map, &error),
           CONSILIA_VALIDATION, "image.unsupported_type");
    EXPECT("no engine", consilia_engine_explain(NULL, image, size, NULL, &map, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    CHECK(map == NULL);
}

static void check_occlusion(consilia_engine_t* engine, const void* image, size_t size) {
    consilia_heat_map_t* map = NULL;
    consilia_error_t* error = NULL;
    consilia_heat_map_options_t options;
    consilia_heat_values_t values;
    consilia_buffer_t out = {0};
    size_t counts[2] = {0, 0};
    size_t i;
    CONSILIA_INIT(&options);
    options.member_id = STR("resnet50");
    options.has_fill = 1;
    options.fill = -0.5;
    options.window = 20;
    options.stride = 20;
    options.progress = count_masks;
    options.user_data = counts;
    OK("explain", consilia_engine_explain(engine, image, size, &options, &map, &error));
    CHECK(counts[0] == 16 && counts[1] == 16);
    OK("values", consilia_heat_map_values(map, &values, &error));
    CHECK(values.width == 80 && values.height == 80 && values.min < values.max);
    CHECK(values.probability > 0 && values.probability <= 1);
    for (i = 0; i < 80 * 80; ++i) CHECK(values.values[i] >= values.min && values.values[i] <= values.max);
    OK("json", consilia_heat_map_json(map, &out, &error));
    CHECK(strstr(out.data,
                 "\"method\":{\"name\":\"occlusion\",\"algorithm_version\":1,\"masks\":16,"
                 "\"fill\":-0.5,\"window\":20,\"stride\":20}") != NULL);
    CHECK(strstr(out.data, "\"member_id\":\"resnet50\"") != NULL);
    consilia_buffer_free(&out);
    OK("draw", consilia_heat_map_draw_png(map, &out, &error));
    CHECK(is_png(out));
    consilia_buffer_free(&out);
    OK("draw over", consilia_heat_map_draw_over_png(map, image, size, 0, &out, &error));
    CHECK(is_png(out));
    consilia_buffer_free(&out);
    EXPECT("opacity", consilia_heat_map_draw_over_png(map, image, size, 2, &out, &error),
           CONSILIA_INVALID_ARGUMENT, "heat.opacity");
    EXPECT("not an image", consilia_heat_map_draw_over_png(map, "no image", 8, 0, &out, &error),
           CONSILIA_VALIDATION, "image.unsupported_type");
    CHECK(out.data == NULL);
    consilia_heat_map_free(map);
    consilia_heat_map_free(NULL);
}

static void check_random_masks(consilia_engine_t* engine, const void* image, size_t size) {
    consilia_heat_map_t* map = NULL;
    consilia_error_t* error = NULL;
    consilia_heat_map_options_t options;
    consilia_heat_values_t values;
    float first[80 * 80];
    int repeat;
    CONSILIA_INIT(&options);
    options.method = CONSILIA_HEAT_MAP_RANDOM_MASKS;
    options.class_name = STR("COVID");
    options.masks = 20;
    options.seed = 7;
    for (repeat = 0; repeat < 2; ++repeat) {
        OK("explain", consilia_engine_explain(engine, image, size, &options, &map, &error));
        OK("values", consilia_heat_map_values(map, &values, &error));
        if (repeat == 0) memcpy(first, values.values, sizeof first);
        CHECK(memcmp(first, values.values, sizeof first) == 0);
        consilia_heat_map_free(map);
    }
}

int main(int count, char** arguments) {
    char first[512];
    char second[512];
    consilia_str_t members[2];
    consilia_engine_options_t options;
    consilia_engine_t* engine = NULL;
    consilia_error_t* error = NULL;
    consilia_buffer_t json = {0};
    unsigned char* image = NULL;
    size_t size = 0;
    CHECK(count == 3);
    snprintf(first, sizeof first, "%s/resnet50.member", arguments[1]);
    snprintf(second, sizeof second, "%s/vit_b16.member", arguments[1]);
    members[0] = STR(first);
    members[1] = STR(second);
    read_file(arguments[2], &image, &size);

    CONSILIA_INIT(&options);
    options.augment_shift = 0.3;
    EXPECT("augment", consilia_engine_open(members, 2, &options, &engine, &error), CONSILIA_INVALID_ARGUMENT,
           "augmentation.shift");
    CONSILIA_INIT(&options);
    options.threads = 1;
    options.is_deterministic = 1;
    OK("open", consilia_engine_open(members, 2, &options, &engine, &error));
    check_refusals(engine, image, size);
    check_occlusion(engine, image, size);
    check_random_masks(engine, image, size);
    consilia_engine_free(engine);

    options.augment_shift = 0.02;
    options.augment_rotation_degrees = 4;
    options.augment_mirrors = 1;
    OK("open", consilia_engine_open(members, 2, &options, &engine, &error));
    OK("run", consilia_engine_run_bytes(engine, image, size, NULL, NULL, &json, &error));
    CHECK(strstr(json.data, "\"augmentation\":{\"mirrors\":true,\"rotation_degrees\":4.0,\"shift\":0.02}") !=
          NULL);
    consilia_buffer_free(&json);
    consilia_engine_free(engine);
    free(image);
    return failures;
}
