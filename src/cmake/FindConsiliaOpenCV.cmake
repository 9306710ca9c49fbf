# OpenCV's core and imgproc alone. OpenCV's own package file insists on every module being installed, and its image
# codecs pull in 140 shared objects that nothing here uses.
find_path(CONSILIA_OPENCV_INCLUDE_DIR opencv2/imgproc.hpp PATH_SUFFIXES opencv4)
find_library(CONSILIA_OPENCV_CORE opencv_core)
find_library(CONSILIA_OPENCV_IMGPROC opencv_imgproc)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ConsiliaOpenCV REQUIRED_VARS CONSILIA_OPENCV_CORE CONSILIA_OPENCV_IMGPROC
                                                               CONSILIA_OPENCV_INCLUDE_DIR)
if(ConsiliaOpenCV_FOUND AND NOT TARGET ConsiliaOpenCV::imgproc)
  add_library(ConsiliaOpenCV::imgproc INTERFACE IMPORTED)
  target_include_directories(ConsiliaOpenCV::imgproc SYSTEM INTERFACE "${CONSILIA_OPENCV_INCLUDE_DIR}")
  target_link_libraries(ConsiliaOpenCV::imgproc INTERFACE "${CONSILIA_OPENCV_IMGPROC}" "${CONSILIA_OPENCV_CORE}")
endif()
