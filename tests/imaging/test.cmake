# OpenCV is the oracle of some tests.
find_package(ConsiliaOpenCV REQUIRED)
target_link_libraries(imaging_test PRIVATE ConsiliaOpenCV::imgproc)
